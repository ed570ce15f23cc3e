# SnapStart: Lambda starts from a snapshot taken after the lifespan's startup and the warm-up. The image has the label that
# Lambda asks for. Only published versions have snapshots, so the URL belongs to an alias.
resource "aws_lambda_function" "snapshot" {
  function_name = "everloop-snapstart"
  package_type  = "Image"
  image_uri     = var.image_uri
  architectures = ["x86_64"]
  role          = aws_iam_role.app.arn
  memory_size   = 1024
  timeout       = 120
  publish       = true

  snap_start {
    apply_on = "PublishedVersions"
  }

  environment {
    variables = {
      EVERLOOP_RESPONSE_MODE = "streaming"
      EVERLOOP_WARMUP        = "/" # requested before the snapshot, so that what it loads is in there
    }
  }
}

resource "aws_lambda_alias" "snapshot" {
  name             = "live"
  function_name    = aws_lambda_function.snapshot.function_name
  function_version = aws_lambda_function.snapshot.version
}

resource "aws_lambda_function_url" "snapshot" {
  function_name      = aws_lambda_function.snapshot.function_name
  qualifier          = aws_lambda_alias.snapshot.name
  authorization_type = "AWS_IAM"
  invoke_mode        = "RESPONSE_STREAM"
}
