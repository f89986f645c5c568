# What a role may do that runs the workers of both queues. They run wherever you have them; this is the policy to attach there.

variable "key_arns" {
  type        = list(string)
  default     = []
  description = "Secrets of Secrets Manager and parameters of Systems Manager that the workers read: the signing key, its passphrase, the next key, the keyring."
  validation {
    condition     = alltrue([for arn in var.key_arns : can(regex("^arn:[a-z-]+:(secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:|ssm:[a-z0-9-]+:[0-9]{12}:parameter/)", arn))])
    error_message = "Each the ARN of a secret or of a parameter."
  }
}

variable "key_store_kms_key_arn" {
  type        = string
  default     = ""
  description = "The KMS key that these are encrypted with. Empty is one of AWS's."
  validation {
    condition     = can(regex("^(arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+)?$", var.key_store_kms_key_arn))
    error_message = "The ARN of a key, not of an alias."
  }
}

locals {
  # Action and what it is allowed on; what is on nothing is left out.
  worker_rights = {
    "sqs:GetQueueUrl"               = values(aws_sqs_queue.events)[*].arn
    "sqs:GetQueueAttributes"        = values(aws_sqs_queue.events)[*].arn
    "sqs:ReceiveMessage"            = values(aws_sqs_queue.events)[*].arn
    "sqs:DeleteMessage"             = values(aws_sqs_queue.events)[*].arn
    "sqs:ChangeMessageVisibility"   = values(aws_sqs_queue.events)[*].arn
    "s3:GetObject"                  = ["${local.bucket_arn}/${var.prefix}*"]
    "s3:PutObject"                  = ["${local.bucket_arn}/${var.prefix}*repodata/*"]
    "s3:DeleteObject"               = ["${local.bucket_arn}/${var.prefix}*repodata/*"]
    "kms:GenerateDataKey"           = compact([var.kms_key_arn])
    "kms:Decrypt"                   = compact([var.kms_key_arn, length(var.key_arns) == 0 ? "" : var.key_store_kms_key_arn])
    "secretsmanager:GetSecretValue" = [for arn in var.key_arns : arn if can(regex(":secretsmanager:", arn))]
    "ssm:GetParameter"              = [for arn in var.key_arns : arn if can(regex(":ssm:", arn))]
  }
}

output "worker_policy" {
  description = "For the role of the workers, as JSON. The sources of the keys, REPOKEEPER_SIGN_KEY for example, are secretsmanager:ARN or ssm:ARN."
  value = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [for action, resources in local.worker_rights : { Effect = "Allow", Action = action, Resource = resources } if length(resources) > 0],
      [{
        Effect    = "Allow"
        Action    = "s3:ListBucket"
        Resource  = local.bucket_arn
        Condition = { StringLike = { "s3:prefix" = "${var.prefix}*" } }
      }],
    )
  })
}
