package shop.orders

import shop.base.Store
import shop.io.{Sink, Source => From}
import shop.money._, shop.time.Clock

/** Keeps orders. */
@deprecated
case class Box[T](size: Int) extends Store[T](size) with Runnable with io.Sink {
  // Runs once.
  def run(a: Int): Int = {
    def inner() = 1
    helper(a); items.go[Int](); a plus a
    throw new Missing(s"no such order $a in the box")
  }

  val onClick = (a: Int) => a
  def +(other: Int) = other

  trait State extends Label {
    def label: String
  }
}

object Box {
  def apply() = "a value is not a doc"
}

enum Color(val hex: Int) extends Tells {
  case Red extends Color(1)
  def tell = """a text over a line"""
}

given order: Ordering[Int] with {
  def compare(a: Int, b: Int) = 1
}
type Handler = Int => Unit
extension (text: String) def shout = text.toUpperCase()
def top = 1
