"""Managed Instances: one loop for 64 invocations beside AWS's 64 processes, as suites of their own."""

from benchmarks import subjects
from benchmarks.referee import Load
from benchmarks.suites import HELLO, Comparison, Suite, Target, cpu, first_poll

AT_ONCE = 64

WAITING = subjects.everloop("waits", "20 ms wait")
WAITING_MANGUM = subjects.awslambdaric("waits_mangum", " + Mangum, 20 ms wait")
WAITING_THREADED = subjects.awslambdaric(
    "waits_mangum", " of AWS's Python + Mangum, 20 ms wait", AWS_EXECUTION_ENV="AWS_Lambda_python3.13"
)
"""On AWS's own Python from 3.12 on its client polls in a thread that it starts for every invocation."""
WAITING_LEAST = subjects.least("waits", "20 ms wait")
COMPUTING = subjects.everloop("computes", "compute, WORKERS=auto", EVERLOOP_WORKERS="auto")
COMPUTING_MANGUM = subjects.awslambdaric("computes_mangum", " + Mangum, compute")

CONCURRENCY = Suite(
    name="concurrency",
    title=f"Managed Instances: {AT_ONCE} invocations at a time, each of which waits 20 ms",
    load=Load(measured=10_000, warm_up=2_000, concurrency=AT_ONCE, expected=HELLO),
    rounds=5,
    short_load=Load(measured=3_000, warm_up=1_000, concurrency=AT_ONCE, expected=HELLO),
    short_rounds=1,
    comparisons=(
        Comparison("memory of all processes", "pss_kib", "KiB", WAITING, WAITING_MANGUM, Target(bound=0.05)),
        cpu(WAITING, WAITING_MANGUM, Target(bound=0.12)),
        cpu(WAITING, WAITING_THREADED),
        cpu(WAITING_LEAST, WAITING_MANGUM),
        first_poll(WAITING, WAITING_MANGUM, Target(bound=0.15)),
        Comparison("99th percentile", "p99_us", "us", WAITING, WAITING_MANGUM, Target(bound=1.0)),
        Comparison("throughput", "per_second", "/s", WAITING, WAITING_MANGUM),
        Comparison("processes", "processes", "", WAITING, WAITING_MANGUM),
    ),
)

PROCESSORS = Suite(
    name="processors",
    title=f"Managed Instances: {AT_ONCE} invocations at a time, each of which computes",
    load=Load(measured=2_000, warm_up=300, concurrency=AT_ONCE, expected=HELLO),
    rounds=5,
    short_load=Load(measured=600, warm_up=200, concurrency=AT_ONCE, expected=HELLO),
    short_rounds=1,
    comparisons=(
        Comparison(
            "throughput", "per_second", "/s", COMPUTING, COMPUTING_MANGUM, Target(bound=0.95, at_most=False, slack=1.1)
        ),
        Comparison("memory of all processes", "pss_kib", "KiB", COMPUTING, COMPUTING_MANGUM),
        Comparison("processes", "processes", "", COMPUTING, COMPUTING_MANGUM),
    ),
)

SUITES = (CONCURRENCY, PROCESSORS)
"""Left out of a short run unless named: sixty-four processes take their time to start."""
