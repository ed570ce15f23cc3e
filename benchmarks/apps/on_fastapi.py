"""The same answer from FastAPI, with a query parameter that it checks."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/hello")
async def hello(a: int) -> dict[str, object]:
    return {"message": "hello world", "ok": bool(a)}
