"""Real applications and adapters, one of each kind, that do next to nothing."""

from typing import Any

from wsgi_apps import bottle, django_asgi, django_wsgi, falcon, flask

__all__ = ["bottle", "django_asgi", "django_wsgi", "falcon", "flask"]


def starlette() -> Any:
    from starlette.applications import Starlette

    return Starlette()


def fastapi() -> Any:
    from fastapi import FastAPI

    return FastAPI()


def litestar() -> Any:
    from litestar import Litestar

    return Litestar([])


def falcon_asgi() -> Any:
    import falcon.asgi

    return falcon.asgi.App()


def mangum() -> Any:
    from mangum import Mangum

    return Mangum(starlette())


def apig_wsgi() -> Any:
    from apig_wsgi import make_lambda_handler

    return make_lambda_handler(flask())


def powertools() -> Any:
    from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver

    return LambdaFunctionUrlResolver()
