"""Samples of events that come as a list of `Records`: queues, topics, buckets, streams.

Sources: the pages of the Lambda developer guide on each service, https://docs.aws.amazon.com/lambda/latest/dg/
"""

import json
from base64 import b64encode
from hashlib import md5
from typing import Any

from everloop.dev.events.request import Arrival, FrontEnd
from everloop.dev.samples.times import iso


def sqs(front: FrontEnd, arrival: Arrival, body: str | None) -> dict[str, Any]:
    """Give a batch of one message of a standard queue."""
    text = json.dumps({"message": "hello"}) if body is None else body
    return {
        "Records": [
            {
                "messageId": arrival.request_id,
                "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
                "body": text,
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "SentTimestamp": str(arrival.milliseconds),
                    "SenderId": "AIDACKCEVSQ6C2EXAMPLE",
                    "ApproximateFirstReceiveTimestamp": str(arrival.milliseconds + 5),
                },
                "messageAttributes": {},
                "md5OfBody": md5(text.encode(), usedforsecurity=False).hexdigest(),
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{front.region}:{front.account}:queue",
                "awsRegion": front.region,
            }
        ]
    }


def sns(front: FrontEnd, arrival: Arrival, body: str | None) -> dict[str, Any]:
    """Give a notification of a topic."""
    topic = f"arn:aws:sns:{front.region}:{front.account}:topic"
    return {
        "Records": [
            {
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "EventSubscriptionArn": f"{topic}:21be56ed-a058-49f5-8c98-aedd2564c486",
                "Sns": {
                    "Type": "Notification",
                    "MessageId": arrival.request_id,
                    "TopicArn": topic,
                    "Subject": None,
                    "Message": json.dumps({"message": "hello"}) if body is None else body,
                    "Timestamp": iso(arrival, milliseconds=True),
                    "SignatureVersion": "1",
                    "Signature": "EXAMPLE",
                    "SigningCertUrl": f"https://sns.{front.region}.amazonaws.com/SimpleNotificationService-0000.pem",
                    "UnsubscribeUrl": f"https://sns.{front.region}.amazonaws.com/?Action=Unsubscribe",
                    "MessageAttributes": {},
                },
            }
        ]
    }


def s3(front: FrontEnd, arrival: Arrival) -> dict[str, Any]:
    """Give the notification of an object that was put into a bucket; its key is encoded as in a form."""
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": front.region,
                "eventTime": iso(arrival, milliseconds=True),
                "eventName": "ObjectCreated:Put",
                "userIdentity": {"principalId": "AWS:AIDACKCEVSQ6C2EXAMPLE"},
                "requestParameters": {"sourceIPAddress": "192.0.2.44"},
                "responseElements": {
                    "x-amz-request-id": "C3D13FE58DE4C810",
                    "x-amz-id-2": "FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG4V5Wp6S7S/JRWeUWerMUE5JgHvANOjpD",
                },
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": "on-upload",
                    "bucket": {
                        "name": "example-bucket",
                        "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                        "arn": "arn:aws:s3:::example-bucket",
                    },
                    "object": {
                        "key": "photos/a+b.jpg",
                        "size": 1024,
                        "eTag": "d41d8cd98f00b204e9800998ecf8427e",
                        "sequencer": "0055AED6DCD90281E5",
                    },
                },
            }
        ]
    }


def dynamodb(front: FrontEnd, arrival: Arrival) -> dict[str, Any]:
    """Give a changed item of a table's stream, with both images."""
    return {
        "Records": [
            {
                "eventID": "c4ca4238a0b923820dcc509a6f75849b",
                "eventName": "MODIFY",
                "eventVersion": "1.1",
                "eventSource": "aws:dynamodb",
                "awsRegion": front.region,
                "dynamodb": {
                    "ApproximateCreationDateTime": int(arrival.seconds),
                    "Keys": {"id": {"N": "101"}},
                    "NewImage": {"id": {"N": "101"}, "message": {"S": "new"}},
                    "OldImage": {"id": {"N": "101"}, "message": {"S": "old"}},
                    "SequenceNumber": "4421584500000000017450439091",
                    "SizeBytes": 59,
                    "StreamViewType": "NEW_AND_OLD_IMAGES",
                },
                "eventSourceARN": (
                    f"arn:aws:dynamodb:{front.region}:{front.account}:table/table/stream/2026-01-01T00:00:00.000"
                ),
            }
        ]
    }


def kinesis(front: FrontEnd, arrival: Arrival, body: str | bytes | None) -> dict[str, Any]:
    """Give a record of a stream; its data is in base64."""
    sequence = "49590338271490256608559692538361571095921575989136588898"
    data = json.dumps({"message": "hello"}) if body is None else body
    return {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": "1",
                    "sequenceNumber": sequence,
                    "data": b64encode(data if isinstance(data, bytes) else data.encode()).decode("ascii"),
                    "approximateArrivalTimestamp": round(arrival.seconds, 3),
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"shardId-000000000006:{sequence}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": f"arn:aws:iam::{front.account}:role/lambda-role",
                "awsRegion": front.region,
                "eventSourceARN": f"arn:aws:kinesis:{front.region}:{front.account}:stream/stream",
            }
        ]
    }
