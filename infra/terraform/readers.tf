# Who may read the packages. A distribution of yours gets its right by policy_documents, and access stays private.

resource "aws_s3_bucket_public_access_block" "packages" {
  bucket                  = aws_s3_bucket.packages.id
  block_public_acls       = true
  ignore_public_acls      = true
  block_public_policy     = !local.is_open
  restrict_public_buckets = !local.is_open
}

resource "aws_s3_bucket_website_configuration" "packages" {
  count = var.access == "website" ? 1 : 0

  bucket = aws_s3_bucket.packages.id
  index_document {
    suffix = "index.html"
  }
}

data "aws_iam_policy_document" "readers" {
  source_policy_documents = var.policy_documents

  # dnf doesn't sign its requests. What lies elsewhere in the bucket stays closed.
  dynamic "statement" {
    for_each = local.is_open ? [1] : []
    content {
      effect    = "Allow"
      actions   = ["s3:GetObject"]
      resources = ["${local.bucket_arn}/${var.prefix}*"]
      principals {
        type        = "*"
        identifiers = ["*"]
      }
    }
  }

  # S3's website speaks plain HTTP only.
  dynamic "statement" {
    for_each = var.access == "website" ? [] : [1]
    content {
      effect    = "Deny"
      actions   = ["s3:*"]
      resources = [local.bucket_arn, "${local.bucket_arn}/*"]
      principals {
        type        = "*"
        identifiers = ["*"]
      }
      condition {
        test     = "Bool"
        variable = "aws:SecureTransport"
        values   = ["false"]
      }
    }
  }
}

resource "aws_s3_bucket_policy" "packages" {
  bucket     = aws_s3_bucket.packages.id
  policy     = data.aws_iam_policy_document.readers.json
  depends_on = [aws_s3_bucket_public_access_block.packages]

  lifecycle {
    precondition {
      condition     = var.kms_key_arn == "" || !local.is_open
      error_message = "With kms_key_arn S3 answers signed requests only: access has to be private."
    }
  }
}
