"""The computing application as Mangum serves it under AWS's client."""

from mangum import Mangum

from benchmarks.apps.computes import app

handler = Mangum(app, lifespan="off")
