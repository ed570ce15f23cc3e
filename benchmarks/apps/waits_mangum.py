"""The waiting application as Mangum serves it under AWS's client."""

from mangum import Mangum

from benchmarks.apps.waits import app

handler = Mangum(app, lifespan="off")
