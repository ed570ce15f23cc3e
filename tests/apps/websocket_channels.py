"""A Django application with a consumer of channels."""

import json

import django
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import path

settings.configure(SECRET_KEY="tests", ALLOWED_HOSTS=["*"], DEBUG=False)
django.setup()


class Echo(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    async def connect(self) -> None:
        await self.accept()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        room = self.scope["query_string"].decode()
        await self.send(text_data=json.dumps({"room": room, "said": text_data}))

    async def disconnect(self, code: int) -> None:
        print(f"disconnected {code}", flush=True)


app = ProtocolTypeRouter({"websocket": URLRouter([path("", Echo.as_asgi())])})
