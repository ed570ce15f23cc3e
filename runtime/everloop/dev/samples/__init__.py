"""Sample events of every source, for `everloop event` and the inspector: `sample_event(source, …)`."""

from everloop.dev.samples.build import HTTP_SAMPLES, SAMPLES, sample_event

__all__ = ["HTTP_SAMPLES", "SAMPLES", "sample_event"]
