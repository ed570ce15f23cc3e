variable "image_uri" {
  description = "The image in ECR, in this region, by its digest, so that a new image is a new version"
  type        = string
}

variable "vpc_id" {
  description = "Where the load balancer and the managed instances are"
  type        = string
}

variable "public_subnet_ids" {
  description = "At least two, in different availability zones, for the load balancer"
  type        = list(string)
}

variable "private_subnet_ids" {
  description = "With a way out for logs, for the managed instances"
  type        = list(string)
}

variable "certificate_arn" {
  description = "A certificate of ACM for the name that clients use at the load balancer"
  type        = string
}
