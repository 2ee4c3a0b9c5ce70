using Microsoft.Extensions.Configuration;

namespace BatchMl.Hosting.Places;

/// <summary>The section <c>Sources:NAME</c>, by all who say something of it.</summary>
sealed class SourceSection(ProgramSettings settings, string name)
{
    static readonly string[] texts = [nameof(SourceBinding.Path), nameof(SourceBinding.Format), nameof(SourceBinding.Sql), nameof(SourceBinding.Table), nameof(SourceBinding.PartitionBy), nameof(SourceBinding.Watermark), nameof(SourceBinding.Connection), nameof(SourceBinding.Ready)];
    static readonly string[] known = [.. texts, nameof(SourceBinding.Files), nameof(SourceBinding.Types)];

    // What the formats that BatchMl has take, beside Format and Ready. Of other formats nothing is known.
    static readonly Dictionary<string, string[]> taken = new()
    {
        ["parquet"] = [nameof(SourceBinding.Path)],
        ["csv"] = [nameof(SourceBinding.Path), nameof(SourceBinding.Types)],
        ["json"] = [nameof(SourceBinding.Path), nameof(SourceBinding.Types)],
        ["sql"] = [nameof(SourceBinding.Sql), nameof(SourceBinding.Files), nameof(SourceBinding.Path)],
        ["spark"] = [nameof(SourceBinding.Table), nameof(SourceBinding.Sql), nameof(SourceBinding.PartitionBy)],
        ["bigquery"] = [nameof(SourceBinding.Table), nameof(SourceBinding.Sql), nameof(SourceBinding.PartitionBy)],
        ["postgres"] = [nameof(SourceBinding.Table), nameof(SourceBinding.Sql), nameof(SourceBinding.PartitionBy), nameof(SourceBinding.Watermark), nameof(SourceBinding.Connection)],
    };

    string Prefix => $"Sources:{name}";

    IConfigurationSection Section => settings.Configuration.GetSection(Prefix);

    /// <summary>The binding, not yet with absolute paths.</summary>
    /// <exception cref="DefinitionException">All that is wrong with it.</exception>
    public SourceBinding Read()
    {
        var problems = new List<string>();
        var children = Section.GetChildren().ToArray();
        problems.AddRange(children.Where(c => !known.Contains(c.Key, StringComparer.OrdinalIgnoreCase)).Select(Unknown));
        problems.AddRange(children.Where(c => texts.Contains(c.Key, StringComparer.OrdinalIgnoreCase) && c.GetChildren().Any()).Select(c => $"{c.Path} is a list or a section ({settings.Origin(c.GetChildren().First().Path)}); expected a text."));
        var binding = new SourceBinding
        {
            Name = name, Path = Path(problems)?.Value ?? "", Format = Text(nameof(SourceBinding.Format)), Sql = Text(nameof(SourceBinding.Sql)), Table = Text(nameof(SourceBinding.Table)), PartitionBy = Text(nameof(SourceBinding.PartitionBy)),
            Watermark = Text(nameof(SourceBinding.Watermark)), Connection = Section[nameof(SourceBinding.Connection)] is { Length: > 0 } reference ? reference : null, Ready = Text(nameof(SourceBinding.Ready)), Files = Files(),
            Types = Section.GetSection(nameof(SourceBinding.Types)).GetChildren().Where(t => !string.IsNullOrEmpty(t.Value)).ToDictionary(t => t.Key, t => t.Value!),
        };
        if (binding.Path.Length == 0 && binding.Sql is null && binding.Table is null) problems.Add($"{Prefix} has neither Path nor Sql nor Table; it needs one.");
        else problems.AddRange(Contradictions(binding));
        if (binding.Connection is { } secret && Secret.Problem(secret, $"{Prefix}:{nameof(SourceBinding.Connection)}", settings.Origin($"{Prefix}:{nameof(SourceBinding.Connection)}")) is { } missing) problems.Add(missing);
        return problems.Count > 0 ? throw new DefinitionException(problems) : binding;
    }

    /// <summary>What is bound to what and where that is said, without secrets: for <c>plan</c>.</summary>
    public string Describe(SourceBinding binding, string format)
    {
        var (what, key) = binding.Table is not null ? ($"table {binding.Table}", nameof(SourceBinding.Table)) : binding.Sql is not null ? ("a query", nameof(SourceBinding.Sql)) : (Path([])!.Value, nameof(SourceBinding.Path));
        var place = key == nameof(SourceBinding.Path) ? PathOrigin() : settings.Origin($"{Prefix}:{key}");
        // Texts that somebody else says, and what logs in, have an origin of their own.
        var others = texts.Where(t => t != key && t is not (nameof(SourceBinding.Format) or nameof(SourceBinding.Path)) && Text(t) is not null && (t == nameof(SourceBinding.Connection) || settings.Origin($"{Prefix}:{t}") != place))
            .Select(t => $", {t} {Shown(t)} ({settings.Origin($"{Prefix}:{t}")})");
        return $"source {name}: {format} {what} ({place}){string.Concat(others)}";
    }

    /// <summary>The binding as settings that win over what an <c>appsettings.json</c> elsewhere says.</summary>
    public IEnumerable<KeyValuePair<string, string?>> AsSettings()
    {
        var files = $"{Prefix}:{nameof(SourceBinding.Files)}:";
        foreach (var (key, value) in Section.AsEnumerable())
            if (value is not null && key.Length > Prefix.Length && !key.StartsWith(files, StringComparison.OrdinalIgnoreCase)) yield return new(key, value);
        foreach (var key in new[] { nameof(SourceBinding.Sql), nameof(SourceBinding.Table) }) yield return new($"{Prefix}:{key}", Text(key) ?? "");
        yield return new($"{Prefix}:{nameof(SourceBinding.Path)}", settings.Absolute(Path([])?.Value ?? ""));
        foreach (var (file, i) in Files().Select((f, i) => (f, i))) yield return new(FormattableString.Invariant($"{files}{i}"), settings.Absolute(file));
    }

    string Shown(string text) => text is nameof(SourceBinding.Connection) && !Secret.IsReference(Text(text)!) ? "(not shown)" : Text(text)!;

    string? Text(string key) => settings.Find($"{Prefix}:{key}")?.Value;

    // "flights": "a.parquet" is short for Path. Who comes later wins, by either name.
    SaidSetting? Path(List<string> problems)
    {
        var said = settings.All(Prefix).Concat(settings.All($"{Prefix}:{nameof(SourceBinding.Path)}")).ToArray();
        if (said.GroupBy(s => s.Rank).FirstOrDefault(g => g.Count(s => s.Value.Length > 0) > 1) is { } twice) problems.Add($"{Prefix} is bound twice by {twice.First().Origin}: to '{twice.First().Value}' and, by its Path, to '{twice.Last().Value}'; expected one of them.");
        return said.MaxBy(s => s.Rank) is { Value.Length: > 0 } last ? last : null;
    }

    string PathOrigin()
    {
        var origins = settings.All(Prefix).Concat(settings.All($"{Prefix}:{nameof(SourceBinding.Path)}")).OrderByDescending(s => s.Rank).Select(s => s.Origin).ToArray();
        return origins.Length == 1 ? origins[0] : $"{origins[0]}, over {string.Join(" and ", origins[1..])}";
    }

    // A list is of one place: a shorter one would otherwise keep the rest of a longer one.
    string[] Files()
    {
        var said = Section.GetSection(nameof(SourceBinding.Files)).GetChildren().Select(c => (c.Key.Length, c.Key, Said: settings.Find(c.Path))).Where(f => f.Said is not null).ToArray();
        return said.Length == 0 ? [] : [.. said.Where(f => f.Said!.Rank == said.Max(s => s.Said!.Rank)).OrderBy(f => f.Length).ThenBy(f => f.Key, StringComparer.Ordinal).Select(f => f.Said!.Value)];
    }

    IEnumerable<string> Contradictions(SourceBinding binding)
    {
        (string Key, bool Is, string Origin)[] places =
        [
            (nameof(SourceBinding.Path), binding.Path.Length > 0, binding.Path.Length > 0 ? PathOrigin() : ""), (nameof(SourceBinding.Sql), binding.Sql is not null, settings.Origin($"{Prefix}:Sql")), (nameof(SourceBinding.Table), binding.Table is not null, settings.Origin($"{Prefix}:Table")),
        ];
        var set = places.Where(p => p.Is).ToArray();
        var format = binding.Format ?? SourceBindings.FormatOf(binding);
        if (!taken.TryGetValue(format, out var keys)) yield break;
        if (set.Length > 1 && !(binding.Format == "sql" && binding.Table is null))
        {
            yield return $"{Prefix} is bound twice: {string.Join(" and ", set.Select(p => $"{p.Key} ({p.Origin})"))}; expected one of them. What an earlier place says is taken back by an empty text, e.g. \"{set[0].Key}\": \"\"."
                + (binding.Table is null ? " A query over a DuckDB file has \"Format\": \"sql\"." : "");
            yield break;
        }
        if (binding.Watermark is not null && binding.PartitionBy is null && keys.Contains(nameof(SourceBinding.Watermark)))
            yield return $"{Prefix} has Watermark ({settings.Origin($"{Prefix}:Watermark")}) and no PartitionBy, so all rows are one file, which every change makes anew; expected an expression that tells rows that still change from those that do not, e.g. the day they were loaded.";
        var also = known.Where(k => k is not (nameof(SourceBinding.Format) or nameof(SourceBinding.Ready)) && !keys.Contains(k) && (k == nameof(SourceBinding.Files) ? binding.Files.Count > 0 : k == nameof(SourceBinding.Types) ? binding.Types.Count > 0 : k == nameof(SourceBinding.Path) ? binding.Path.Length > 0 : Text(k) is not null)).ToArray();
        foreach (var key in also)
            yield return $"{Prefix} has {key} ({(Section.GetSection(key).GetChildren().FirstOrDefault() is { } child ? settings.Origin(child.Path) : key == nameof(SourceBinding.Path) ? PathOrigin() : settings.Origin($"{Prefix}:{key}"))}), which format {format} does not take; it takes {string.Join(", ", keys)}.";
    }

    string Unknown(IConfigurationSection child)
    {
        var said = child.GetChildren().Any() ? child.AsEnumerable().First(c => c.Value is not null).Key : child.Path;
        return $"There is no setting {child.Path} ({settings.Origin(said)}). Did you mean '{Nearest.To(child.Key, known)}'? A source has: {string.Join(", ", known)}.";
    }
}
