"""The same answer from Flask."""

from flask import Flask, Response, jsonify

app = Flask(__name__)


@app.get("/hello")
def hello() -> Response:
    return jsonify({"message": "hello world", "ok": True})
