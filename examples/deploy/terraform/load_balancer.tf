# An Application Load Balancer. It cannot stream, and takes 1 MB each way.
resource "aws_lambda_function" "balanced" {
  function_name = "everloop-load-balancer"
  package_type  = "Image"
  image_uri     = var.image_uri
  architectures = ["x86_64"]
  role          = aws_iam_role.app.arn
  memory_size   = 1024
  timeout       = 60
}

resource "aws_lb_target_group" "function" {
  name        = "everloop"
  target_type = "lambda"
  # Lists instead of the last value: repeated headers and several cookies survive. everloop answers in kind.
  lambda_multi_value_headers_enabled = true
}

resource "aws_lambda_permission" "balancer" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.balanced.function_name
  principal     = "elasticloadbalancing.amazonaws.com"
  source_arn    = aws_lb_target_group.function.arn
}

resource "aws_lb_target_group_attachment" "function" {
  target_group_arn = aws_lb_target_group.function.arn
  target_id        = aws_lambda_function.balanced.arn
  depends_on       = [aws_lambda_permission.balancer]
}

resource "aws_security_group" "clients" {
  name_prefix = "everloop-"
  description = "Who may reach the balancer"
  vpc_id      = var.vpc_id

  ingress {
    description = "HTTPS from anywhere"
    protocol    = "tcp"
    from_port   = 443
    to_port     = 443
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_lb" "balancer" {
  name               = "everloop"
  load_balancer_type = "application"
  subnets            = var.public_subnet_ids
  security_groups    = [aws_security_group.clients.id]
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.balancer.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.function.arn
  }
}

output "load_balancer" {
  value = aws_lb.balancer.dns_name
}
