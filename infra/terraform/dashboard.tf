# What repository.yaml shows.

data "aws_region" "current" {}

locals {
  read         = [for queue, _ in local.queues : "${var.name}-${queue}"]
  dead_letters = [for queue, _ in local.queues : "${var.name}-${queue}-dead-letters"]

  # A statistic, a namespace with its dimension, metrics, and whose they are.
  widgets = [
    { title = "Packages published", stat = "Sum", of = "repokeeper", by = "Queue", names = ["repokeeper.packages.added", "repokeeper.packages.replaced", "repokeeper.packages.removed"], whose = local.read },
    { title = "From the event to published, 99 %", stat = "p99", of = "repokeeper", by = "Queue", names = ["repokeeper.event_to_published.seconds"], whose = local.read },
    { title = "A publish, 99 %", stat = "p99", of = "repokeeper", by = "Queue", names = ["repokeeper.publish.seconds"], whose = local.read },
    { title = "Notifications that wait, and that are being worked on", stat = "Maximum", of = "AWS/SQS", by = "QueueName", names = ["ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible"], whose = local.read },
    { title = "The oldest notification", stat = "Maximum", of = "AWS/SQS", by = "QueueName", names = ["ApproximateAgeOfOldestMessage"], whose = local.read },
    { title = "Dead letters", stat = "Maximum", of = "AWS/SQS", by = "QueueName", names = ["ApproximateNumberOfMessagesVisible"], whose = local.dead_letters },
    { title = "Refused packages, unreadable messages", stat = "Sum", of = "repokeeper", by = "Queue", names = ["repokeeper.packages.refused", "repokeeper.unreadable"], whose = local.read },
    { title = "Publishes lost to another worker, and done again", stat = "Sum", of = "repokeeper", by = "Queue", names = ["repokeeper.conflicts"], whose = local.read },
    { title = "Heartbeats of the workers", stat = "Sum", of = "repokeeper", by = "Queue", names = ["repokeeper.heartbeat"], whose = local.read },
  ]
}

resource "aws_cloudwatch_dashboard" "repositories" {
  dashboard_name = "${var.name}-repositories-${data.aws_region.current.id}"
  dashboard_body = jsonencode({
    widgets = concat(
      [{
        type   = "alarm"
        x      = 0
        y      = 0
        width  = 24
        height = 2
        properties = {
          title = "Alarms"
          alarms = concat(
            values(aws_cloudwatch_metric_alarm.dead_letters)[*].arn,
            values(aws_cloudwatch_metric_alarm.oldest_message)[*].arn,
            values(aws_cloudwatch_metric_alarm.heartbeat)[*].arn,
          )
        }
      }],
      [for at, widget in local.widgets : {
        type   = "metric"
        x      = at % 3 * 8
        y      = 2 + floor(at / 3) * 6
        width  = 8
        height = 6
        properties = {
          title   = widget.title
          region  = data.aws_region.current.id
          view    = "timeSeries"
          stat    = widget.stat
          period  = 60
          metrics = [for pair in setproduct(widget.names, widget.whose) : [widget.of, pair[0], widget.by, pair[1]]]
        }
      }],
    )
  })
}
