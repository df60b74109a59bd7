using System.Text.Json;
using Numbers = System.Math;

namespace Shop.Orders
{
    /// <summary>Keeps orders.</summary>
    [Serializable]
    public class Box<T> : Store<T>, IRunnable, Io.ISink where T : class
    {
        public Box(int size) : base(size) { Start(); }

        // Runs once.
        public override async Task<int> Run<K>(int a)
        {
            int Inner(int q) => q;
            items?.Safe(); this.Go<int>(1);
            throw new Missing("no such order in the box");
        }

        public int Total => Compute();
        public string Plain { get; set; }
        public int this[int i] => At(i);
        public static Box<T> operator +(Box<T> a, Box<T> b) => a;
        void IRunnable.Stop() { }

        interface IState { string Label(); }
    }

    public record Line(string Text) : Item(Text);
    struct Point { }
    enum Color { Red }
    delegate void Handler(int a);
}

class Texts
{
    string a = $"a box of {size} things";
    string b = @"C:\a verbatim path";
    string c = """a raw text of one line""";
}
