/// Rows in aligned columns of plain text.
package struct Table: Sendable {
    package struct Column: Sendable {
        package enum Alignment: Sendable { case left, right }

        package let title: String
        package let alignment: Alignment
        /// It gives way when the table is wider than the terminal; its cells end in an ellipsis then.
        package let mayShrink: Bool

        package init(_ title: String, _ alignment: Alignment = .left, mayShrink: Bool = false) {
            self.title = title
            self.alignment = alignment
            self.mayShrink = mayShrink
        }
    }

    /// Enough to see where one ends.
    private static let gap = "  "
    /// Below it a cell says nothing.
    private static let narrowest = 8

    private let columns: [Column]
    private var rows: [[String]] = []

    package init(_ columns: [Column]) {
        self.columns = columns
    }

    /// - Parameter cells: one for each column. Control characters in them are replaced.
    package mutating func append(_ cells: [String]) {
        precondition(cells.count == columns.count, "a row has as many cells as the table has columns")
        rows.append(cells.map(DisplayText.printable))
    }

    package var isEmpty: Bool { rows.isEmpty }

    /// The titles and all rows, one line each, every line ended.
    ///
    /// - Parameter width: the terminal's columns; nil where the output is not a terminal, and nothing is cut.
    package func rendered(width: Int? = nil) -> String {
        let widths = columnWidths(width: width)
        return ([columns.map(\.title)] + rows).map { line($0, widths) + "\n" }.joined()
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        var line = cells.indices.map { index in
            DisplayText.padded(
                DisplayText.cut(cells[index], to: widths[index]), to: widths[index],
                isRight: columns[index].alignment == .right)
        }.joined(separator: Self.gap)
        while line.last == " " { line.removeLast() }
        return line
    }

    private func columnWidths(width: Int?) -> [Int] {
        var widths = columns.indices.map { index in
            rows.reduce(DisplayText.width(columns[index].title)) { max($0, DisplayText.width($1[index])) }
        }
        guard let width else { return widths }
        var excess = widths.reduce(0, +) + Self.gap.count * (columns.count - 1) - width
        // The widest gives way first, column by column, so that no column suffers for a long one beside it.
        while excess > 0,
            let widest = columns.indices.filter({ columns[$0].mayShrink && widths[$0] > Self.narrowest })
                .max(by: { widths[$0] < widths[$1] })
        {
            widths[widest] -= 1
            excess -= 1
        }
        return widths
    }
}
