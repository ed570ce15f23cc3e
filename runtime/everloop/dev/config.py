"""What is emulated: one function, as its owner would configure it on AWS."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionConfig:
    """One Lambda function. Defaults are Lambda's own where it has one, else what suits a laptop."""

    handler: str
    """As the container's CMD: `main:app`."""
    task_root: Path
    """The folder that the code is found in: LAMBDA_TASK_ROOT and the working directory of the runtime."""
    name: str = "function"
    version: str = "$LATEST"
    region: str = "us-east-1"
    account: str = "123456789012"
    timeout: float = 30.0
    """Seconds that an invocation may take; then its environment is killed and replaced."""
    init_timeout: float = 10.0
    """Seconds that initialisation may take."""
    memory: int = 512
    """MB; what the function is told. It is not enforced."""
    streaming: bool = False
    """True: the function's URL or API is configured to stream (EVERLOOP_RESPONSE_MODE=streaming)."""
    environments: int = 1
    """How many execution environments may exist side by side; further calls wait for one."""
    max_concurrency: int | None = None
    """Slots of one Managed Instances environment; None is classic Lambda."""
    freeze: bool = False
    """SIGSTOP between invocations and SIGCONT at the next, as Lambda does."""
    snapstart: bool = False
    """AWS_LAMBDA_INITIALIZATION_TYPE=snap-start, with the restore endpoints."""
    bandwidth_limit: bool = False
    """Streamed responses: 2 MB/s after the first 6 MB, as Lambda does."""
    environ: Mapping[str, str] = field(default_factory=dict)
    """The function's own environment variables (`--env-file`)."""
    command: tuple[str, ...] = ()
    """What is started; empty: the real `bootstrap` with the handler."""

    @property
    def arn(self) -> str:
        """The function's ARN, as `Lambda-Runtime-Invoked-Function-Arn` gives it."""
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}"
