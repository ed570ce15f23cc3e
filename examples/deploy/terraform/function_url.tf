# A Function URL that streams.
resource "aws_lambda_function" "streaming" {
  function_name = "everloop-function-url"
  package_type  = "Image"
  image_uri     = var.image_uri
  architectures = ["x86_64"] # that of the image
  role          = aws_iam_role.app.arn
  memory_size   = 1024
  timeout       = 120

  environment {
    variables = {
      EVERLOOP_RESPONSE_MODE = "streaming" # must agree with invoke_mode: a runtime cannot see it
    }
  }
}

resource "aws_lambda_function_url" "streaming" {
  function_name      = aws_lambda_function.streaming.function_name
  authorization_type = "AWS_IAM" # NONE makes it public, and needs two permissions: lambda:InvokeFunctionUrl and lambda:InvokeFunction
  invoke_mode        = "RESPONSE_STREAM"
}

output "function_url" {
  value = aws_lambda_function_url.streaming.function_url
}
