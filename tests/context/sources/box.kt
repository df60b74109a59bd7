package shop.orders

import shop.base.Store
import shop.money.*

/** Keeps orders. */
@Service
class Box<T>(val size: Int) : Store<T>(size), Runnable, io.Sink by sink {
    init {
        start()
    }

    // Runs once.
    override fun run(): Int {
        fun inner() = 1
        helper(size).also { it.go() }
        throw Missing("no such order in the box")
    }

    val total: Int
        get() = compute()

    companion object {
        fun make() = Box<Int>(1)
    }

    sealed interface State {
        fun label(): String
    }
}

enum class Color {
    RED;

    fun hex() = """the hex of a color"""
}

object Single : Thing()
typealias Handler = (Int) -> Unit
fun <T> List<T>.second(): T = this[1]
fun `adds two numbers`() {}
val onClick = { event: Int -> event }
