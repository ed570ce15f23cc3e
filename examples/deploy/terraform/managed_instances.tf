# Managed Instances: environments on EC2 that serve many invocations at a time, which everloop does in one process.
# A ZIP function with everloop's layer (make layer), because AWS's documents name Python's managed runtimes for these and say
# nothing of images. ../build holds the application with all that it imports: `make app` makes it.
resource "aws_lambda_layer_version" "everloop" {
  layer_name               = "everloop"
  filename                 = "${path.module}/../../../dist/everloop-layer-x86_64.zip"
  compatible_runtimes      = ["python3.12", "python3.13", "python3.14"]
  compatible_architectures = ["x86_64"]
}

data "archive_file" "app" {
  type        = "zip"
  source_dir  = "${path.module}/../build"
  output_path = "${path.module}/app.zip"
}

resource "aws_iam_role" "operator" {
  name_prefix = "everloop-operator-"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "operator" {
  role       = aws_iam_role.operator.name
  policy_arn = "arn:aws:iam::aws:policy/AWSLambdaManagedEC2ResourceOperator"
}

resource "aws_security_group" "instances" {
  name_prefix = "everloop-instances-"
  description = "The instances reach out, nothing reaches them"
  vpc_id      = var.vpc_id

  egress {
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_lambda_capacity_provider" "instances" {
  name = "everloop"

  vpc_config {
    subnet_ids         = var.private_subnet_ids
    security_group_ids = [aws_security_group.instances.id]
  }

  permissions_config {
    capacity_provider_operator_role_arn = aws_iam_role.operator.arn
  }

  instance_requirements {
    architectures = ["x86_64"]
  }
}

resource "aws_lambda_function" "managed" {
  function_name    = "everloop-managed-instances"
  runtime          = "python3.13"
  handler          = "main.app"
  filename         = data.archive_file.app.output_path
  source_code_hash = data.archive_file.app.output_base64sha256
  architectures    = ["x86_64"]
  layers           = [aws_lambda_layer_version.everloop.arn]
  role             = aws_iam_role.app.arn
  memory_size      = 4096
  timeout          = 120
  publish          = true # only published versions run there

  environment {
    variables = {
      AWS_LAMBDA_EXEC_WRAPPER = "/opt/everloop"
      EVERLOOP_RESPONSE_MODE  = "streaming"
    }
  }

  capacity_provider_config {
    lambda_managed_instances_capacity_provider_config {
      capacity_provider_arn                     = aws_lambda_capacity_provider.instances.arn
      per_execution_environment_max_concurrency = 64
    }
  }
}

resource "aws_lambda_alias" "managed" {
  name             = "live"
  function_name    = aws_lambda_function.managed.function_name
  function_version = aws_lambda_function.managed.version
}

resource "aws_lambda_function_url" "managed" {
  function_name      = aws_lambda_function.managed.function_name
  qualifier          = aws_lambda_alias.managed.name
  authorization_type = "AWS_IAM"
  invoke_mode        = "RESPONSE_STREAM"
}
