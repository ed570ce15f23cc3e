"""The Starlette application as Mangum serves it under AWS's client."""

from mangum import Mangum

from benchmarks.apps.on_starlette import app

handler = Mangum(app, lifespan="off")
