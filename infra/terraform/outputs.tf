locals {
  website  = one(aws_s3_bucket_website_configuration.packages[*].website_endpoint)
  base_url = var.access == "website" ? "http://${local.website}/${var.prefix}" : "https://${aws_s3_bucket.packages.bucket_regional_domain_name}/${var.prefix}"
}

output "bucket_name" {
  description = "For -b of updatePackages, and for whatever runs the workers."
  value       = aws_s3_bucket.packages.id
}

output "queue_urls" {
  description = "For -q of the workers, by additions and removals."
  value       = { for queue, _ in local.queues : queue => aws_sqs_queue.events[queue].url }
}

output "queue_arns" {
  description = "For the policies of the workers."
  value       = { for queue, _ in local.queues : queue => aws_sqs_queue.events[queue].arn }
}

output "dead_letter_urls" {
  description = "Where notifications end that nobody can use."
  value       = { for queue, _ in local.queues : queue => aws_sqs_queue.dead_letters[queue].url }
}

output "base_url" {
  description = "What dnf's baseurl begins with. The repository's directory follows."
  value       = local.base_url
}

output "repo_file" {
  description = "For /etc/yum.repos.d, where there is a repository for each architecture in a directory of its name."
  value       = <<-EOT
    [${var.bucket_name}]
    name=${var.bucket_name}
    baseurl=${local.base_url}$basearch/
    enabled=1
    gpgcheck=0
  EOT
}

output "upload_command" {
  description = "Adds packages to a repository, and returns when dnf can see them."
  value       = "updatePackages -b ${var.bucket_name} -p ${var.prefix}x86_64 -o add *.rpm --wait"
}
