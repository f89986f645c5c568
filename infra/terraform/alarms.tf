# What a person is told.

locals {
  topics = var.alarm_topic_arn == "" ? [] : [var.alarm_topic_arn]
}

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  for_each = local.queues

  alarm_name          = "${var.name}-${each.key}-dead-letters"
  alarm_description   = "The worker's log says why (refused, unreadable). Upload the package again, or delete the message"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead_letters[each.key].name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.topics
  ok_actions          = local.topics
}

resource "aws_cloudwatch_metric_alarm" "oldest_message" {
  for_each = local.queues

  alarm_name          = "${var.name}-${each.key}-oldest-message"
  alarm_description   = "Notifications wait. Do workers run, and can they publish? repokeeper audit says what is not listed"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.events[each.key].name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 3
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.oldest_message_seconds
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.topics
  ok_actions          = local.topics
}

resource "aws_cloudwatch_metric_alarm" "heartbeat" {
  for_each = var.heartbeats ? local.queues : {}

  alarm_name          = "${var.name}-${each.key}-heartbeat"
  alarm_description   = "No worker of this queue has said anything for ten minutes. Each does every minute"
  namespace           = "repokeeper"
  metric_name         = "repokeeper.heartbeat"
  dimensions          = { Queue = aws_sqs_queue.events[each.key].name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 2
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = local.topics
  ok_actions          = local.topics
}
