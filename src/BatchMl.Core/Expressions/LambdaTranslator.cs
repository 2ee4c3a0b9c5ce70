using System.Linq.Expressions;

namespace BatchMl.Expressions;

/// <summary>
/// Turns C# lambdas into <see cref="Expr"/>. What a lambda may hold: properties of the record (= columns), constants and captured
/// variables (read once, at build time), arithmetic, comparison, boolean operators, <c>?:</c>, <c>??</c>, null tests, <c>.HasValue</c>, <c>.Value</c>, casts between numbers, and the
/// methods of <see cref="Function"/> under their usual C# names (<c>Math.Abs</c>, <c>string.StartsWith</c>, <c>DateTimeOffset.AddMinutes</c>, …), the extensions in
/// <see cref="Sql"/> and methods marked <see cref="FeatureFunctionAttribute"/>.
/// </summary>
public static class LambdaTranslator
{
    /// <summary>Translates a lambda over one record type.</summary>
    /// <exception cref="DefinitionException">Names the part that can not be expressed and lists what is allowed.</exception>
    public static Expr Translate(LambdaExpression lambda) => throw new NotImplementedException();

    /// <summary>
    /// A key selector: one column (<c>f => f.Origin</c>) or several (<c>f => new { f.Carrier, Route = f.Origin + f.Dest }</c>), with their names.
    /// </summary>
    public static IReadOnlyList<(string Name, Expr Expr)> TranslateColumns(LambdaExpression lambda) => throw new NotImplementedException();

    /// <summary>
    /// A window's lambda, <c>w => w.Mean(f => f.DepDelay)</c> or an expression over several aggregates: the aggregates, and the expression over
    /// them in which aggregate i is the column <c>$i</c>.
    /// </summary>
    public static (IReadOnlyList<Aggregate> Aggregates, Expr Result) TranslateWindow(LambdaExpression lambda) => throw new NotImplementedException();
}
