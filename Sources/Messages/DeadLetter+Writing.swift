package import AMQP
import Clocks
import Secrets

extension DeadLetter {
    /// Of the detail, in bytes: as for the result's.
    private static let longestDetail = 512

    /// Appends the headers of the dead letter to those of its message. `droppedHeaders`: the application's did not fit.
    package func write(to table: inout FieldTable, droppedHeaders: Bool) {
        headers.write(to: &table)
        table.append(JobHeaders.Name.reason, .text(reason))
        if let detail {
            table.append(JobHeaders.Name.detail, .string(Array(detail.utf8.prefix(Self.longestDetail))))
        }
        table.append(JobHeaders.Name.attempts, .integer(Int64(attempts)))
        if let httpStatus { table.append(JobHeaders.Name.httpStatus, .integer(Int64(httpStatus))) }
        if let apiStatus { table.append(JobHeaders.Name.apiStatus, .text(apiStatus)) }
        if let deadAt { table.append(JobHeaders.Name.deadAt, .integer(deadAt.milliseconds)) }
        if droppedHeaders { table.append(JobHeaders.Name.headersDropped, .boolean(true)) }
        if case .truncated(_, let size, let sha256) = message.body {
            table.append(JobHeaders.Name.bodySize, .integer(Int64(clamping: size)))
            table.append(JobHeaders.Name.bodySHA256, .text(sha256.hexadecimal))
        }
    }

    // MARK: From the queue of dead letters

    /// The properties of the same dead letter as a new message of its queue, marked by the browser that lays it there.
    package func relaid(by browser: String) -> Properties {
        copied { table in
            for field in message.properties.headers?.fields ?? []
            where JobHeaders.isOwn(field.name) && field.name != Array(JobHeaders.Name.browsed.utf8) {
                table.fields.append(field)
            }
            table.append(JobHeaders.Name.browsed, .text(browser))
        }
    }

    /// The properties of the job's message as its next generation, for the lane `due`. `deadline`: in the place of the
    /// one that it has.
    package func redriven(asGeneration generation: Int, deadline: NewDeadline? = nil) -> Properties {
        copied { table in
            table.append(JobHeaders.Name.generation, .integer(Int64(generation)))
            // What an earlier call may have done is not undone by a new generation.
            table.append(JobHeaders.Name.ambiguous, .boolean(isAmbiguous))
            // As it came: a newer worker may know more lanes.
            if let lane = message.properties.headers?[JobHeaders.Name.lane] {
                table.append(JobHeaders.Name.lane, lane)
            }
            if let event = headers.event { JobHeaders.write(event, to: &table) }
            // One that was given at an earlier redrive lasts.
            if let deadline = deadline ?? headers.deadline {
                table.append(JobHeaders.Name.deadline, deadline.field)
            }
        }
    }

    private func copied(_ write: (inout FieldTable) -> Void) -> Properties {
        var properties = CleanCopy.make(of: message.properties).properties
        var table = properties.headers ?? FieldTable()
        write(&table)
        properties.headers = table
        return properties
    }
}
