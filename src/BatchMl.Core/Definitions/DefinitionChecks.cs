using System.Globalization;

namespace BatchMl;

/// <summary>Collects what is wrong with one definition, so that all of it is reported at once.</summary>
/// <param name="where">What is being defined, e.g. <c>window 'late_share_24h'</c>.</param>
sealed class DefinitionChecks(string where)
{
    readonly List<string> problems = [];

    internal void Add(string problem) => problems.Add($"{where}: {problem}.");

    internal void Name(string name)
    {
        if (string.IsNullOrWhiteSpace(name)) Add("the name is empty; it becomes a column's name");
        else if (name[0] == '$') Add("names that begin with $ are reserved for aggregates; choose another");
    }

    /// <summary>Hours and days of 24 hours as microseconds.</summary>
    internal long Span(string what, double hours, double days, bool mayBeZero)
    {
        var exact = Math.Round((hours + 24 * days) * 3_600_000_000);
        if (exact < 9.2e18 && (mayBeZero ? exact >= 0 : exact > 0)) return (long)exact;
        Add(string.Create(CultureInfo.InvariantCulture,
            $"got {what} of {hours} hours and {days} days, expected {(mayBeZero ? "zero or more" : "more than zero (hours or days)")} and at most 292,000 years"));
        return 0;
    }

    /// <summary>The result, or default when it can not be defined.</summary>
    internal T? Try<T>(Func<T> define)
    {
        try
        {
            return define();
        }
        catch (DefinitionException e)
        {
            problems.AddRange(e.Problems);
            return default;
        }
    }

    /// <exception cref="DefinitionException">There were problems.</exception>
    internal void Throw()
    {
        if (problems.Count > 0) throw new DefinitionException(problems);
    }
}
