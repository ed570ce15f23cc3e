"""The Flask application as apig-wsgi serves it under AWS's client."""

from apig_wsgi import make_lambda_handler

from benchmarks.apps.on_flask import app

handler = make_lambda_handler(app, binary_support=True)
