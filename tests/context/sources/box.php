<html>
<?php
namespace Shop\Orders;

use Shop\Base\Store;
use Shop\Io\{Sink, Source as From};
require_once __DIR__ . '/lib/money.php';

/**
 * Keeps orders.
 */
#[Service]
final class Box extends Store implements Runnable, Io\Sink
{
    use Logging;

    public function __construct(private int $size) { parent::start(); }

    // Runs once.
    public static function run(int $a): int
    {
        $inner = function () { return 1; };
        helper($a); $this->items?->go(); Line::make(); new \Shop\Line();
        throw new Missing("no such order $a in the box");
    }
}

interface State extends Label { function label(); }
trait Tells { function tell() { return 'a text in quotes'; } }
enum Color: string implements HasHex { case Red = 'r'; function hex() { return <<<END
a text over a line
END; } }
function top() {}
?>
