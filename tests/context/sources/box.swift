import Foundation
import class UIKit.UIView

/// Keeps orders.
/// Well.
@MainActor
public final class Box<T>: Store<T>, Runnable, Io.Sink where T: Equatable {
    var total: Int { return compute() }
    var plain = 1
    let onClick = { (a: Int) in a }

    init(size: Int) { super.start() }
    deinit { stop() }

    // Runs once.
    @discardableResult
    func run(_ size: Int) async throws -> Int {
        func inner() {}
        helper(size); items?.go(); Pair<Int>(1)
        fatalError("no such order \(size) in the box")
    }

    subscript(i: Int) -> Int { return at(i) }
    static func + (a: Box, b: Box) -> Box { a }

    enum State: Int {
        case open
        func label() -> String { #"a raw text of one line"# }
    }
}

struct Line: Item {}
protocol Sink: AnyObject { func write() }
extension Box.State: Tells {
    func tell() {}
}
actor Keeper { func keep() {} }
typealias Handler = (Int) -> Void
func top() {}
let text = """
    a text over a line
    """
