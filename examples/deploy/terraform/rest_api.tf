# A REST API that streams, up to 15 minutes.
resource "aws_lambda_function" "rest" {
  function_name = "everloop-rest-api"
  package_type  = "Image"
  image_uri     = var.image_uri
  architectures = ["x86_64"]
  role          = aws_iam_role.app.arn
  memory_size   = 1024
  timeout       = 900

  environment {
    variables = {
      EVERLOOP_RESPONSE_MODE = "streaming" # must agree with responseTransferMode
    }
  }
}

data "aws_region" "current" {}

locals {
  streamed = {
    "x-amazon-apigateway-any-method" = {
      responses = {}
      "x-amazon-apigateway-integration" = {
        type                 = "aws_proxy"
        httpMethod           = "POST"
        responseTransferMode = "STREAM"
        timeoutInMillis      = 900000
        # Not the usual path: this one is InvokeWithResponseStream.
        uri = "arn:aws:apigateway:${data.aws_region.current.region}:lambda:path/2021-11-15/functions/${aws_lambda_function.rest.arn}/response-streaming-invocations"
      }
    }
  }
}

resource "aws_api_gateway_rest_api" "rest" {
  name = "everloop"
  body = jsonencode({
    openapi = "3.0.1"
    info    = { title = "everloop", version = "1.0" }
    paths   = { "/" = local.streamed, "/{proxy+}" = local.streamed }
  })

  endpoint_configuration {
    types = ["REGIONAL"] # an idle stream lives 5 minutes; 30 seconds where it is edge-optimised
  }
}

resource "aws_api_gateway_deployment" "rest" {
  rest_api_id = aws_api_gateway_rest_api.rest.id
  triggers    = { body = sha256(aws_api_gateway_rest_api.rest.body) }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_stage" "live" {
  rest_api_id   = aws_api_gateway_rest_api.rest.id
  deployment_id = aws_api_gateway_deployment.rest.id
  stage_name    = "live"
}

resource "aws_lambda_permission" "rest" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.rest.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.rest.execution_arn}/*"
}

output "rest_api" {
  value = aws_api_gateway_stage.live.invoke_url
}
