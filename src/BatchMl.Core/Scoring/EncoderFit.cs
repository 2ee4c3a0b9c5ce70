using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Scoring;

/// <summary>Checks what an encoder is asked to learn, all problems at once, and learns it.</summary>
sealed class EncoderFit(IReadOnlyList<RecordBatch> rows, IReadOnlyList<string> features, string label, IReadOnlyList<Encoding> encodings, string? weight)
{
    internal Encoder Run()
    {
        if (rows.Sum(b => (long)b.Length) == 0)
            throw new DataException("The encoder was given no training rows: there is nothing to fit. Widen the training range.");
        var schema = rows[0].Schema;
        var problems = new List<string>();
        Repeated(features, "Feature", problems);
        Repeated([.. encodings.Select(e => e.Feature)], "The encoding of", problems);
        foreach (var encoding in encodings.Where(e => !features.Contains(e.Feature)))
            problems.Add($"{encoding.GetType().Name} names feature {encoding.Feature}, which is not a feature of the model: {string.Join(", ", features)}. Correct the name or remove the encoding.");
        if (features.Contains(label)) problems.Add($"The label {label} is among the features: the model would be given the answer. Remove it from the feature service, or hide it.");

        var chosen = new List<(Encoding Encoding, ColumnType Type)>();
        foreach (var feature in features)
            if (Choose(schema, feature, problems) is { } choice) chosen.Add(choice);
        if (chosen.Any(c => c.Encoding is TargetEncoding)) CheckLabel(schema, problems);
        if (problems.Count > 0) throw new DefinitionException(problems);

        var labels = chosen.Any(c => c.Encoding is TargetEncoding) ? Labels(rows, label) : null;
        var fitted = chosen.Select(c => Fit(c.Encoding, c.Type, labels)).ToArray();
        Repeated([.. fitted.SelectMany(f => f.Outputs).Select(o => o.Name)], "The encoder's output", problems);
        return problems.Count > 0 ? throw new DefinitionException(problems) : new Encoder(labels is null ? null : label, fitted, labels is null ? null : weight);
    }

    (Encoding, ColumnType)? Choose(Schema schema, string feature, List<string> problems)
    {
        var at = schema.GetFieldIndex(feature);
        if (at < 0)
        {
            problems.Add($"Feature {feature} is not a column of the training rows: {string.Join(", ", schema.FieldsList.Select(f => f.Name))}. Make the training set again with the current feature service.");
            return null;
        }
        var arrow = schema.GetFieldByIndex(at).DataType;
        var encoding = encodings.FirstOrDefault(e => e.Feature == feature);
        switch (Columns.TypeOf(arrow), encoding)
        {
            case (ColumnType.Boolean or ColumnType.Int64 or ColumnType.Double, null):
                return (new NumericEncoding(feature), Columns.TypeOf(arrow)!.Value);
            case (ColumnType.String, null):
                return (new CategoryEncoding(feature), ColumnType.String);
            case ({ } type, NumericEncoding) when Numbers.CanRead(type):
            case ({ }, CategoryEncoding { MaxCategories: >= 1 }) when CategoryTexts.CanRead(Columns.TypeOf(arrow)!.Value):
            case ({ }, OneHotEncoding { MaxCategories: >= 1 }) when CategoryTexts.CanRead(Columns.TypeOf(arrow)!.Value):
            case ({ }, TargetEncoding { Folds: >= 2, Smoothing: >= 0 and < double.PositiveInfinity }) when CategoryTexts.CanRead(Columns.TypeOf(arrow)!.Value):
                return (encoding, Columns.TypeOf(arrow)!.Value);
            case (ColumnType.Timestamp or ColumnType.Date, _):
                problems.Add($"Feature {feature} is a {Columns.TypeOf(arrow)}, which no model understands as it is. Derive a number from it, e.g. hours since it or its weekday, and hide it.");
                return null;
            case ({ } type, _) when encoding is NumericEncoding || CategoryTexts.CanRead(type) == false:
                problems.Add($"Feature {feature} is {type}, which {encoding!.GetType().Name} can not encode. Numbers and booleans are numeric; text, integers and booleans are categories.");
                return null;
            case (null, _):
                problems.Add($"Feature {feature} is {arrow.Name}, which can not be encoded. Expected Boolean, Int64, Double or String: derive such a feature from it, and hide it.");
                return null;
            default:
                problems.Add($"{encoding} has an option out of range: MaxCategories is at least 1, Folds at least 2, Smoothing finite and at least 0.");
                return null;
        }
    }

    void CheckLabel(Schema schema, List<string> problems)
    {
        var at = schema.GetFieldIndex(label);
        if (at < 0) problems.Add($"Target encodings need the label {label}, which is not a column of the training rows.");
        else if (Columns.TypeOf(schema.GetFieldByIndex(at).DataType) is not { } type || !Numbers.CanRead(type))
            problems.Add($"Target encodings need a label that is a number or a boolean; {label} is {schema.GetFieldByIndex(at).DataType.Name}.");
    }

    FittedEncoding Fit(Encoding encoding, ColumnType type, double[]? labels)
    {
        IArrowArray[] columns = [.. rows.Select(batch => Columns.Normalize(batch.Column(encoding.Feature)))];
        return encoding switch
        {
            NumericEncoding numeric => FittedNumeric.Fit(numeric, type, columns),
            CategoryEncoding category => new FittedCategory(category.Feature, type, Vocabulary.Fit(columns, category.MaxCategories)),
            OneHotEncoding oneHot => new FittedOneHot(oneHot.Feature, type, Vocabulary.Fit(columns, oneHot.MaxCategories)),
            TargetEncoding target => FittedTarget.Fit(target, type, columns, labels!, Weights(rows, weight)),
            _ => throw new DefinitionException($"Feature {encoding.Feature} has encoding {encoding.GetType().Name}; known are numeric, category, one-hot and target encodings."),
        };
    }

    internal static double[] Labels(IReadOnlyList<RecordBatch> rows, string label)
    {
        double[] labels = [.. rows.SelectMany(batch => Numbers.Read(Columns.Normalize(batch.Column(label))))];
        if (labels.Length < 2) throw new DataException($"Target encodings are cross-fitted, which needs at least 2 training rows; there is {labels.Length}.");
        if (System.Array.FindIndex(labels, y => !double.IsFinite(y)) is var row and >= 0)
            throw new DataException($"The label {label} of training row {row} is {(double.IsNaN(labels[row]) ? "missing" : labels[row])}; target encodings need a finite label on every row. Drop such rows from the training set.");
        return labels;
    }

    internal static double[]? Weights(IReadOnlyList<RecordBatch> rows, string? weight) => weight is null ? null : [.. rows.SelectMany(batch => Numbers.Read(Columns.Normalize(batch.Column(weight))))];

    static void Repeated(IReadOnlyList<string> names, string what, List<string> problems)
    {
        foreach (var name in names.GroupBy(n => n).Where(g => g.Count() > 1).Select(g => g.Key))
            problems.Add($"{what} {name} appears more than once; each may appear once. Remove or rename one.");
    }
}
