variable "bucket_name" {
  type        = string
  description = "The bucket to create. Without dots, so that its address has a certificate."
  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "3 to 63 lower-case letters, digits and hyphens, none of these at an end."
  }
}

variable "prefix" {
  type        = string
  default     = ""
  description = "Only packages below this directory are told to the workers, el9/ for example. Empty is the whole bucket."
  validation {
    condition     = can(regex("^([A-Za-z0-9_.-]+/)*$", var.prefix))
    error_message = "Empty, or a directory that ends with a slash."
  }
}

variable "name" {
  type        = string
  default     = "repo"
  description = "What the names of queues and alarms begin with, NAME-additions for example."
  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,48}$", var.name))
    error_message = "1 to 48 letters, digits, hyphens and underscores."
  }
}

variable "versioning" {
  type        = bool
  default     = false
  description = "Whether the bucket keeps what is overwritten and deleted. Once on, S3 can suspend it but not take it back."
}

variable "noncurrent_version_days" {
  type        = number
  default     = 30
  description = "With versioning, how many days overwritten and deleted objects are kept."
  validation {
    condition     = var.noncurrent_version_days >= 1
    error_message = "One day at least."
  }
}

variable "kms_key_arn" {
  type        = string
  default     = ""
  description = "A KMS key that the bucket is encrypted with. Empty is a key of S3's. Who reads and writes needs rights on the key as well."
  validation {
    condition     = can(regex("^(arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+)?$", var.kms_key_arn))
    error_message = "The ARN of a key, not of an alias."
  }
}

variable "access" {
  type        = string
  default     = "private"
  description = "How dnf reads. private: by a gateway endpoint, proxy or distribution of yours; public: everybody by HTTPS, from the bucket; website: the same and by plain HTTP from S3's website."
  validation {
    condition     = contains(["private", "public", "website"], var.access)
    error_message = "One of private, public, website."
  }
}

variable "policy_documents" {
  type        = list(string)
  default     = []
  description = "Policies as JSON whose statements the bucket's policy has besides, for a CloudFront distribution for example."
  validation {
    condition     = alltrue([for document in var.policy_documents : can(jsondecode(document))])
    error_message = "Each of them JSON."
  }
}

variable "visibility_timeout_seconds" {
  type        = number
  default     = 120
  description = "After so long others see a message whose reader died. Workers set their own. With functions of lambda.yaml six times their TimeoutSeconds."
  validation {
    condition     = var.visibility_timeout_seconds >= 30 && var.visibility_timeout_seconds <= 43200
    error_message = "30 seconds to 12 hours."
  }
}

variable "max_receive_count" {
  type        = number
  default     = 5
  description = "So many fruitless tries before a message goes to the dead-letter queue. With fewer a short outage moves good messages there."
  validation {
    condition     = var.max_receive_count >= 3 && var.max_receive_count <= 1000
    error_message = "3 to 1000."
  }
}

variable "alarm_topic_arn" {
  type        = string
  default     = ""
  description = "An SNS topic that alarms are sent to. Empty is none."
  validation {
    condition     = can(regex("^(arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+)?$", var.alarm_topic_arn))
    error_message = "The ARN of a topic."
  }
}

variable "oldest_message_seconds" {
  type        = number
  default     = 1800
  description = "A notification that waits longer than this is an alarm."
  validation {
    condition     = var.oldest_message_seconds >= 60
    error_message = "A minute at least."
  }
}

variable "heartbeats" {
  type        = bool
  default     = true
  description = "Whether workers that write metrics into their logs run all the time, so that silence is an alarm. False with lambda.yaml."
}
