terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.27" # Managed Instances and response_transfer_mode; see README.md for what was checked
    }
  }
}
