"""The five ways to deploy everloop, as stacks of the CDK: `cdk deploy FunctionUrl`, and so on.

`python3 app.py` alone synthesises all of them. The image is in ECR already: examples/deploy/github pushes it. For
Managed Instances, ../build holds the application with all that it imports: `make app` makes it.
"""

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_certificatemanager as certificates
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_elasticloadbalancingv2 as balancing
from aws_cdk import aws_elasticloadbalancingv2_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

STREAMING = {"EVERLOOP_RESPONSE_MODE": "streaming"}
"""Must agree with the invoke mode of the URL or API: a runtime cannot see it."""


def function(scope: Construct, environment: dict[str, str], **more: object) -> lambda_.DockerImageFunction:
    """Make the function out of `--context repository=NAME --context tag=TAG`."""
    repository = ecr.Repository.from_repository_name(scope, "Repository", context(scope, "repository", "my-function"))
    tag = context(scope, "tag", "latest")
    return lambda_.DockerImageFunction(
        scope,
        "App",
        code=lambda_.DockerImageCode.from_ecr(repository, tag_or_digest=tag),
        architecture=lambda_.Architecture.X86_64,
        memory_size=1024,
        environment=environment,
        **{"timeout": cdk.Duration.seconds(120), **more},
    )


def context(scope: Construct, name: str, default: str) -> str:
    """Read a value that `cdk --context NAME=VALUE` gave."""
    return str(scope.node.try_get_context(name) or default)


def network(scope: Construct) -> ec2.Vpc:
    """Make a network with a way out for logs."""
    return ec2.Vpc(scope, "Network", max_azs=2, nat_gateways=1)


class FunctionUrl(cdk.Stack):
    """A Function URL that streams."""

    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name)
        url = function(self, STREAMING).add_function_url(
            auth_type=lambda_.FunctionUrlAuthType.AWS_IAM,  # NONE makes it public
            invoke_mode=lambda_.InvokeMode.RESPONSE_STREAM,
        )
        cdk.CfnOutput(self, "Url", value=url.url)


class RestApi(cdk.Stack):
    """A REST API that streams, up to 15 minutes."""

    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name)
        integration = apigateway.LambdaIntegration(
            function(self, STREAMING, timeout=cdk.Duration.minutes(15)),
            response_transfer_mode=apigateway.ResponseTransferMode.STREAM,
            timeout=cdk.Duration.minutes(15),
        )
        api = apigateway.RestApi(
            self,
            "Api",
            deploy_options=apigateway.StageOptions(stage_name="live"),
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            default_integration=integration,
            cloud_watch_role=False,
        )
        api.root.add_method("ANY")
        api.root.add_proxy()


class LoadBalancer(cdk.Stack):
    """An Application Load Balancer. It cannot stream, and takes 1 MB each way."""

    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name)
        balancer = balancing.ApplicationLoadBalancer(self, "Balancer", vpc=network(self), internet_facing=True)
        arn = context(self, "certificate", f"arn:aws:acm:{self.region}:{self.account}:certificate/of-your-own")
        listener = balancer.add_listener(
            "Https",
            port=443,
            ssl_policy=balancing.SslPolicy.RECOMMENDED_TLS,
            certificates=[certificates.Certificate.from_certificate_arn(self, "Certificate", arn)],
        )
        group = balancing.ApplicationTargetGroup(
            self,
            "Target",
            target_type=balancing.TargetType.LAMBDA,
            targets=[targets.LambdaTarget(function(self, {}))],
            # Lists instead of the last value: repeated headers and several cookies survive.
            multi_value_headers_enabled=True,
        )
        listener.add_target_groups("Function", target_groups=[group])


class SnapStart(cdk.Stack):
    """Started from a snapshot, behind a Function URL of the published version."""

    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name)
        app = function(self, {**STREAMING, "EVERLOOP_WARMUP": "/"})
        # `snap_start=` of the CDK takes managed runtimes only; Lambda takes images with the label that everloop's has.
        template = app.node.default_child
        assert isinstance(template, lambda_.CfnFunction)  # noqa: S101 - an example's way to tell the type
        template.snap_start = lambda_.CfnFunction.SnapStartProperty(apply_on="PublishedVersions")
        alias = lambda_.Alias(self, "Live", alias_name="live", version=app.current_version)
        alias.add_function_url(
            auth_type=lambda_.FunctionUrlAuthType.AWS_IAM, invoke_mode=lambda_.InvokeMode.RESPONSE_STREAM
        )


class ManagedInstances(cdk.Stack):
    """Many invocations at a time in one process: a ZIP function with everloop's layer (`make layer`)."""

    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name)
        vpc = network(self)
        group = ec2.SecurityGroup(self, "Instances", vpc=vpc)
        operator = iam.Role(
            self,
            "Operator",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name("AWSLambdaManagedEC2ResourceOperator")],
        )
        provider = lambda_.CfnCapacityProvider(
            self,
            "Provider",
            permissions_config={"capacityProviderOperatorRoleArn": operator.role_arn},
            vpc_config={
                "subnetIds": [subnet.subnet_id for subnet in vpc.private_subnets],
                "securityGroupIds": [group.security_group_id],
            },
            instance_requirements={"architectures": ["x86_64"]},
        )
        layer = lambda_.LayerVersion.from_layer_version_arn(
            self, "Layer", context(self, "layer", f"arn:aws:lambda:{self.region}:{self.account}:layer:everloop:1")
        )
        app = lambda_.Function(
            self,
            "App",
            runtime=lambda_.Runtime.PYTHON_3_13,
            code=lambda_.Code.from_asset("../build"),
            handler="main.app",
            layers=[layer],
            memory_size=4096,
            timeout=cdk.Duration.seconds(120),
            environment={**STREAMING, "AWS_LAMBDA_EXEC_WRAPPER": "/opt/everloop"},
        )
        template = app.node.default_child
        assert isinstance(template, lambda_.CfnFunction)  # noqa: S101 - an example's way to tell the type
        template.capacity_provider_config = {
            "lambdaManagedInstancesCapacityProviderConfig": {
                "capacityProviderArn": provider.attr_arn,
                "perExecutionEnvironmentMaxConcurrency": 64,
            }
        }
        # Only published versions run there.
        alias = lambda_.Alias(self, "Live", alias_name="live", version=app.current_version)
        alias.add_function_url(
            auth_type=lambda_.FunctionUrlAuthType.AWS_IAM, invoke_mode=lambda_.InvokeMode.RESPONSE_STREAM
        )


app = cdk.App()
for stack in (FunctionUrl, RestApi, LoadBalancer, SnapStart, ManagedInstances):
    stack(app, stack.__name__)
app.synth()
