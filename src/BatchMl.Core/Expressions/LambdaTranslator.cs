using System.Linq.Expressions;
using System.Reflection;
using BatchMl.Data;

namespace BatchMl.Expressions;

/// <summary>
/// Turns C# lambdas into <see cref="Expr"/>. What a lambda may hold: properties of the record (= columns), constants and captured
/// variables (read once, at build time), arithmetic, comparison, boolean operators, <c>?:</c>, <c>??</c>, null tests, <c>.HasValue</c>, <c>.Value</c>, casts between numbers, and the
/// methods of <see cref="Function"/> under their usual C# names (<c>Math.Abs</c>, <c>string.StartsWith</c>, <c>DateTimeOffset.AddMinutes</c>, …), the extensions in
/// <see cref="Sql"/> and methods marked <see cref="FeatureFunctionAttribute"/>. The meaning is that of <see cref="Expr"/>: integers are 64-bit and checked, <c>float</c> computes as
/// <c>double</c>, nulls propagate (also through string <c>+</c>, and <c>.Value</c> of a null is null). Comparing with a constant null, written or captured, is a null test.
/// </summary>
public static class LambdaTranslator
{
    /// <summary>Translates a lambda over one record type.</summary>
    /// <exception cref="DefinitionException">Names the part that can not be expressed and lists what is allowed.</exception>
    public static Expr Translate(LambdaExpression lambda) => new Translation(lambda, null).Result();

    /// <summary>
    /// A key selector: one column (<c>f => f.Origin</c>) or several (<c>f => new { f.Carrier, Route = f.Origin + f.Dest }</c>), with their names.
    /// </summary>
    /// <exception cref="DefinitionException">As <see cref="Translate"/>; a part without a name; two parts of one name.</exception>
    public static IReadOnlyList<(string Name, Expr Expr)> TranslateColumns(LambdaExpression lambda)
    {
        var translation = new Translation(lambda, null);
        var body = Translation.WithoutBoxing(lambda.Body);
        if (body is not NewExpression { Members: { } members } created)
            return [(NameOf(body) ?? throw new DefinitionException(
                $"`{lambda}`: `{body}` has no name; write `{lambda.Parameters[0].Name} => new {{ Name = … }}`."), translation.Column(body))];
        var columns = created.Arguments.Select((argument, i) => (
            Name: argument is MemberExpression { Member: PropertyInfo property } member && member.Expression == lambda.Parameters[0] && property.Name == members[i].Name
                ? RecordColumns.Of(property).Name : RecordColumns.SnakeCase(members[i].Name),
            Expr: translation.Column(argument))).ToArray();
        var repeated = columns.GroupBy(c => c.Name).Where(g => g.Count() > 1).Select(g => $"`{lambda}`: two parts are named '{g.Key}'.").ToArray();
        return repeated.Length > 0 ? throw new DefinitionException(repeated)
            : columns.Length > 0 ? columns : throw new DefinitionException($"`{lambda}` selects nothing; name at least one column.");

        string? NameOf(Expression e) => e switch
        {
            MemberExpression { Member: PropertyInfo property } m when m.Expression == lambda.Parameters[0] => RecordColumns.Of(property).Name,
            MemberExpression { Member.Name: "Value", Expression: { } inner } when Nullable.GetUnderlyingType(inner.Type) is not null => NameOf(inner),
            UnaryExpression { NodeType: ExpressionType.Convert } u => NameOf(u.Operand),
            MethodCallExpression call when call.Method.DeclaringType == typeof(Row) && translation.RowColumn(call) is { } column => column.Name,
            _ => null,
        };
    }

    /// <summary>
    /// A window's lambda, <c>w => w.Mean(f => f.DepDelay)</c> or an expression over several aggregates: the aggregates, and the expression over
    /// them in which aggregate i is the column <c>$i</c>.
    /// </summary>
    /// <exception cref="DefinitionException">As <see cref="Translate"/>; no aggregate at all; a quantile outside of 0 to 1.</exception>
    public static (IReadOnlyList<Aggregate> Aggregates, Expr Result) TranslateWindow(LambdaExpression lambda)
    {
        var aggregates = new List<Aggregate>();
        var result = new Translation(lambda, call =>
        {
            var aggregate = AggregateOf(call, lambda);
            if (!aggregates.Contains(aggregate)) aggregates.Add(aggregate);
            return new ColumnExpr($"${aggregates.IndexOf(aggregate)}", aggregate.Type);
        }).Result();
        return aggregates.Count > 0 ? (aggregates, result)
            : throw new DefinitionException($"`{lambda}` computes no aggregate; call one on `{lambda.Parameters[0].Name}`, e.g. `{lambda.Parameters[0].Name}.Count()`.");
    }

    static Aggregate AggregateOf(MethodCallExpression call, LambdaExpression window)
    {
        if (call.Arguments.Count == 0) return new Aggregate(AggregateKind.Count, null);
        var value = Translate(Translation.Quoted(call.Arguments[^1])
            ?? throw new DefinitionException($"`{window}`: the argument of `{call.Method.Name}` must be a lambda written in place, got `{call.Arguments[^1]}`."));
        switch (call.Method.Name)
        {
            case nameof(Window<>.Count):
                return new Aggregate(AggregateKind.CountWhere, value);
            case nameof(Window<>.Quantile):
                var q = Translation.ValueOf(call.Arguments[0]) as double?;
                return q is >= 0 and <= 1 ? new Aggregate(AggregateKind.Quantile, value, q.Value)
                    : throw new DefinitionException($"`{window}`: got the quantile {q?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "that is not a constant"}, expected 0 to 1.");
            default:
                return new Aggregate(Enum.Parse<AggregateKind>(call.Method.Name), value);
        }
    }
}
