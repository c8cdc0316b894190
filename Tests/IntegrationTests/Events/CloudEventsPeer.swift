import Foundation
import JSON
import PrivateBroker
import RepositoryFiles

/// Events of somebody else's making, and results as somebody else reads them: the package `cloudevents` of the Python
/// package index, https://github.com/cloudevents/sdk-python, with its bindings to RabbitMQ and AMQP, and pika.
enum CloudEventsPeer {
    /// `publish PORT EXCHANGE` publishes an event of each binding and mode, and some whose headers have other types;
    /// `read PORT QUEUE BINDING COUNT` prints so many results, a line of JSON each.
    static let program = """
        import json, sys
        from datetime import datetime, timezone
        import pika
        from cloudevents.core.bindings import amqp, rabbitmq
        from cloudevents.core.v1.event import CloudEvent

        order, port, target = sys.argv[1:4]
        channel = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", int(port))).channel()
        channel.confirm_delivery()
        noon = datetime(2026, 11, 23, 12, 0, 0, 123000, tzinfo=timezone.utc)

        def event(id, **more):
            attributes = {"id": id, "source": "https://idm.example.com/ü", "type": "com.example.leave",
                          "subject": "users/8472", "time": noon, "datacontenttype": "application/json"}
            number = int(id.split("-")[-1])
            data = {"account": "acc%d" % number, "shareToken": "album-" + id, "metadata": {"n": str(number)}}
            return CloudEvent(attributes={**attributes, **more}, data=data)

        def publish(headers, content_type, body):
            properties = pika.BasicProperties(
                content_type=content_type, headers=headers, delivery_mode=2, message_id="made up by a library")
            channel.basic_publish(target, "leave", body, properties, mandatory=True)

        def by_rabbitmq(message): publish(message.headers, message.content_type, message.body)

        def by_amqp(message, change=lambda headers: headers):
            publish(change(message.application_properties), message.properties["content-type"], message.application_data)

        if order == "publish":
            by_rabbitmq(rabbitmq.to_binary_event(event("rabbitmq-binary-1")))
            by_rabbitmq(rabbitmq.to_structured_event(event("rabbitmq-structured-2")))
            by_amqp(amqp.to_binary_event(event("amqp-binary-3")))
            by_amqp(amqp.to_structured_event(event("amqp-structured-4")))
            # The other prefix of the binding, a time of the broker's own type, bytes.
            by_amqp(amqp.to_binary_event(event("amqp-colon-5")), lambda headers: {
                name.replace("_", ":"): noon if name == "cloudEvents_time" else value
                for name, value in headers.items()})
            by_rabbitmq(rabbitmq.RabbitMQMessage(
                {name: value.encode() for name, value in
                 rabbitmq.to_binary_event(event("rabbitmq-bytes-6")).headers.items()},
                "application/json", rabbitmq.to_binary_event(event("rabbitmq-bytes-6")).body))
            by_rabbitmq(rabbitmq.to_binary_event(event("rabbitmq-other-7", type="com.example.enter")))
            by_rabbitmq(rabbitmq.to_structured_event(CloudEvent(
                attributes={"id": "rabbitmq-base64-8", "source": "/idm", "type": "com.example.leave"}, data=b"{}")))
        else:
            binding, count = sys.argv[4], int(sys.argv[5])
            read = 0
            for method, properties, body in channel.consume(target):
                headers = properties.headers or {}
                if binding == "amqp":
                    got = amqp.from_amqp_event(amqp.AMQPMessage(
                        {"content-type": properties.content_type}, headers, body))
                else:
                    got = rabbitmq.from_rabbitmq_event(rabbitmq.RabbitMQMessage(headers, properties.content_type, body))
                channel.basic_ack(method.delivery_tag)
                # The package gives an event without a time one of its own.
                time = got.get_time() if any(name.endswith("time") for name in headers) else None
                print(json.dumps({
                    "id": got.get_id(), "source": got.get_source(), "type": got.get_type(),
                    "subject": got.get_subject(), "time": time and int(time.timestamp() * 1000 + 0.5),
                    "specversion": got.get_specversion(), "datacontenttype": got.get_datacontenttype(),
                    "data": got.get_data(), "message": properties.message_id, "body": body.decode()}), flush=True)
                read += 1
                if read == count: break
        """

    static func run(_ harness: DaemonHarness, _ arguments: String...) async throws -> [JSONValue] {
        try harness.directory.write("peer.py", program)
        let (ending, text) = try await ChildProcess.run(
            ["/usr/bin/python3", harness.directory.file("peer.py").path] + arguments,
            environment: ["PYTHONPATH": RepositoryFile.path(".build/python")])
        guard ending == .exited(0) else {
            throw NeverHappened(description: "\(arguments): \(text)\nscripts/install-dependencies --tests installs it")
        }
        return try text.split(separator: "\n").map { try JSONValue.parse(Array($0.utf8)) }
    }
}
