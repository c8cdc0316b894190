extension SettingForm {
    /// An array whose every element has the form; every wrong element is a complaint of its own.
    static func list<Element>(
        of element: SettingForm<Element>, count range: ClosedRange<Int>, noun: String,
        check: @escaping @Sendable ([Element], [TOMLValue]) -> [Complaint] = { _, _ in [] }
    ) -> Self where Value == [Element] {
        let bounds =
            range.lowerBound == 0 ? "at most \(range.upperBound)" : "\(range.lowerBound) to \(range.upperBound)"
        return Self("an array of \(bounds) \(noun), each \(element.allowed)") { (value, context) throws(Complaints) in
            guard case .array(let values) = value.content else { throw Complaints(value, "it is \(value.kindName)") }
            guard range.contains(values.count) else { throw Complaints(value, "it has \(values.count) elements") }
            var elements: [Element] = []
            var complaints: [Complaint] = []
            for value in values {
                do throws(Complaints) {
                    elements.append(try element.read(value, context))
                } catch {
                    complaints += error.complaints.map {
                        Complaint(position: $0.position, problem: $0.problem, allowed: $0.allowed ?? element.allowed)
                    }
                }
            }
            if complaints.isEmpty { complaints = check(elements, values) }
            guard complaints.isEmpty else { throw Complaints(complaints) }
            return elements
        } write: {
            "[" + $0.map(element.write).joined(separator: ", ") + "]"
        }
    }

    /// A check of a list: each of its elements once.
    static func duplicates<Element: Hashable>(_ elements: [Element], _ values: [TOMLValue]) -> [Complaint]
    where Value == [Element] {
        var seen: Set<Element> = []
        return zip(elements, values).compactMap { element, value in
            seen.insert(element).inserted ? nil : Complaint(position: value.position, problem: "it is there twice")
        }
    }
}
