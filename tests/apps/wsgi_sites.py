"""The same small site in every framework: links, cookies, uploads, binary answers, streams, failures."""

import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

BINARY = b"\x00\xffraw"
PIECES = (b"one", b"two", b"three")


def upload(data: bytes, note: str) -> dict[str, object]:
    return {"size": len(data), "sum": zlib.crc32(data), "note": note}


def flask() -> Any:
    from flask import Flask, Response, make_response, request, stream_with_context, url_for

    app = Flask(__name__)

    @app.get("/link")
    def link() -> Any:
        return url_for("link", page=2, _external=True)

    @app.get("/cookies")
    def cookies() -> Any:
        response = make_response(request.cookies["seen"])
        response.set_cookie("first", "1")
        response.set_cookie("second", "2")
        return response

    @app.post("/upload")
    def uploaded() -> Any:
        return upload(request.files["file"].read(), request.form["note"])

    @app.get("/binary")
    def binary() -> Any:
        return Response(BINARY, mimetype="application/octet-stream")

    @app.get("/stream")
    def stream() -> Any:
        def pieces() -> Iterator[bytes]:
            assert request.path == "/stream"
            yield from PIECES

        return Response(stream_with_context(pieces()), mimetype="text/plain")

    @app.get("/fails")
    def fails() -> Any:
        raise LookupError("on purpose")

    return app


def bottle() -> Any:
    import bottle

    app: Any = bottle.Bottle()

    def link() -> Any:
        host = bottle.request.urlparts
        return f"{host.scheme}://{host.netloc}{app.get_url('link', page=2)}"

    def cookies() -> Any:
        bottle.response.set_cookie("first", "1")
        bottle.response.set_cookie("second", "2")
        return bottle.request.get_cookie("seen")

    def uploaded() -> Any:
        return upload(bottle.request.files["file"].file.read(), bottle.request.forms.note)

    def binary() -> Any:
        bottle.response.content_type = "application/octet-stream"
        return BINARY

    def stream() -> Any:
        bottle.response.content_type = "text/plain"
        yield from PIECES

    def fails() -> Any:
        raise LookupError("on purpose")

    app.get("/link", name="link")(link)
    for function in (cookies, binary, stream, fails):
        app.get(f"/{function.__name__}")(function)
    app.post("/upload")(uploaded)
    return app


def falcon() -> Any:
    import falcon

    class Site:
        def on_get_link(self, req: Any, resp: Any) -> None:
            resp.text = f"{req.prefix}/link?page=2"

        def on_get_cookies(self, req: Any, resp: Any) -> None:
            resp.set_cookie("first", "1")
            resp.set_cookie("second", "2")
            resp.text = req.cookies["seen"]

        def on_post_upload(self, req: Any, resp: Any) -> None:
            parts = {part.name: part.get_data() for part in req.get_media()}
            resp.media = upload(parts["file"], parts["note"].decode())

        def on_get_binary(self, req: Any, resp: Any) -> None:
            resp.data, resp.content_type = BINARY, "application/octet-stream"

        def on_get_stream(self, req: Any, resp: Any) -> None:
            resp.stream, resp.content_type = iter(PIECES), "text/plain"

        def on_get_fails(self, req: Any, resp: Any) -> None:
            raise LookupError("on purpose")

    app = falcon.App()
    forms: Any = app.req_options.media_handlers["multipart/form-data"]
    forms.parse_options.max_body_part_buffer_size = 8 * 1024 * 1024
    for name in ("link", "cookies", "upload", "binary", "stream", "fails"):
        app.add_route(f"/{name}", Site(), suffix=name)
    return app


def _django(stream: Any) -> None:
    import django
    from django.conf import settings
    from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
    from django.urls import path, reverse
    from django.views.decorators.csrf import csrf_exempt

    def link(request: Any) -> Any:
        return HttpResponse(request.build_absolute_uri(reverse("link") + "?page=2"))

    def cookies(request: Any) -> Any:
        response = HttpResponse(request.COOKIES["seen"])
        response.set_cookie("first", "1")
        response.set_cookie("second", "2")
        return response

    def uploaded(request: Any) -> Any:
        return JsonResponse(upload(request.FILES["file"].read(), request.POST["note"]))

    def binary(request: Any) -> Any:
        return HttpResponse(BINARY, content_type="application/octet-stream")

    def streamed(request: Any) -> Any:
        return StreamingHttpResponse(stream(), content_type="text/plain")

    def fails(request: Any) -> Any:
        raise LookupError("on purpose")

    urls = (
        path("link", link, name="link"),
        path("cookies", cookies),
        path("upload", csrf_exempt(uploaded)),
        path("binary", binary),
        path("stream", streamed),
        path("fails", fails),
    )
    settings.configure(
        ROOT_URLCONF=urls,
        ALLOWED_HOSTS=["*"],
        SECRET_KEY="no secret",
        SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"),
        MIDDLEWARE=["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"],
    )
    django.setup()


def django_wsgi() -> Any:
    from django.core.wsgi import get_wsgi_application

    _django(lambda: iter(PIECES))
    return get_wsgi_application()


def django_asgi() -> Any:
    from django.core.asgi import get_asgi_application

    async def pieces() -> AsyncIterator[bytes]:
        for piece in PIECES:
            yield piece

    _django(pieces)
    return get_asgi_application()
