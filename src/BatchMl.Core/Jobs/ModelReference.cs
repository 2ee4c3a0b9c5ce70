using System.Globalization;
using BatchMl.Runs;

namespace BatchMl.Jobs;

/// <summary>A model by its name, or one version of it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Version">Which version; null: the latest.</param>
sealed record ModelReference(string Name, int? Version)
{
    /// <summary>Reads <c>NAME</c> or <c>NAME@VERSION</c>.</summary>
    /// <param name="text">It.</param>
    /// <param name="what">What it is, for the error.</param>
    /// <exception cref="DefinitionException">It is neither.</exception>
    public static ModelReference Parse(string text, string what)
    {
        var at = text.IndexOf('@', StringComparison.Ordinal);
        if (at < 0 && text.Length > 0) return new(text, null);
        return at > 0 && int.TryParse(text.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var version) && version > 0
            ? new(text[..at], version) : throw new DefinitionException($"{what} is '{text}'; expected NAME for its latest version, or NAME@VERSION, e.g. churn@3.");
    }

    /// <summary>Checks that what a run asks for is of models that the job scores with.</summary>
    /// <exception cref="DefinitionException">It is not, or names one twice: says what models there are.</exception>
    public static void CheckAsked(string job, IReadOnlyList<DatasetJob> steps, IReadOnlyList<string> asked)
    {
        var models = steps.Select(s => s switch { ScoreJob score => score.Model, MonitorJob monitor => monitor.Score.Model, _ => null }).OfType<string>().Distinct().ToArray();
        var named = asked.Select(a => Parse(a, "--model")).ToArray();
        var problems = named.Where(n => !models.Contains(n.Name)).Select(n => $"--model is '{n}', but job '{job}' {(models.Length == 0 ? "scores with no model. Leave it out, or run a job that scores." : $"scores with {string.Join(" and ", models)}. Name a version of {(models.Length == 1 ? "it" : "one of them")}; another model is another job, or a challenger.")}")
            .Concat(named.GroupBy(n => n.Name).Where(g => g.Count() > 1).Select(g => $"--model names {g.Key} {g.Count()} times; expected once.")).ToArray();
        if (problems.Length > 0) throw new DefinitionException(problems);
    }

    public override string ToString() => Version is { } version ? string.Create(CultureInfo.InvariantCulture, $"{Name}@{version}") : Name;
}
