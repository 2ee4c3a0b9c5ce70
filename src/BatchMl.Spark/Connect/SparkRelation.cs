using Apache.Arrow;
using Apache.Arrow.Ipc;
using Google.Protobuf;

namespace BatchMl.Spark.Connect;

/// <summary>
/// A table that Spark is to compute: a description, immutable and cheap, that does nothing before a <see cref="SparkSession"/> is asked for it. Expressions are texts in Spark SQL, where column names that are
/// not plain words are quoted (<see cref="Quote"/>).
/// </summary>
public sealed class SparkRelation
{
    // Larger ones belong into a file: a message may have 128 MiB, plan and envelope included.
    const int LargestLocal = 96 << 20;

    // The function's protocol tag depends on the server's version, so a relation becomes a message only when it is sent.
    readonly Func<SparkVersion, Proto.Relation> build;

    internal SparkRelation(Func<SparkVersion, Proto.Relation> build) => this.build = build;

    /// <summary>Reads files.</summary>
    /// <param name="format">Spark's name of the format: <c>parquet</c>, <c>csv</c>, <c>json</c>, <c>delta</c> …</param>
    /// <param name="paths">Files, folders or patterns as the executors see them.</param>
    /// <param name="schema">Columns and types as DDL; null: what the files say.</param>
    /// <param name="options">Options of the format; null: none.</param>
    public static SparkRelation Read(string format, IReadOnlyList<string> paths, string? schema = null, IReadOnlyDictionary<string, string>? options = null) => new(_ =>
    {
        var source = new Proto.Read.Types.DataSource { Format = format };
        if (schema is not null) source.Schema = schema;
        source.Paths.AddRange(paths);
        foreach (var (key, value) in options ?? new Dictionary<string, string>()) source.Options.Add(key, value);
        return new() { Read = new() { DataSource = source } };
    });

    /// <summary>Reads Parquet files.</summary>
    /// <param name="paths">Files, folders or patterns as the executors see them.</param>
    public static SparkRelation Parquet(params string[] paths) => Read("parquet", paths);

    /// <summary>Reads a table or view.</summary>
    /// <param name="name">Its name in SQL, quoted where needed.</param>
    /// <param name="options">Options of its format; null: none.</param>
    public static SparkRelation Table(string name, IReadOnlyDictionary<string, string>? options = null) => new(_ =>
    {
        var table = new Proto.Read.Types.NamedTable { UnparsedIdentifier = name };
        foreach (var (key, value) in options ?? new Dictionary<string, string>()) table.Options.Add(key, value);
        return new() { Read = new() { NamedTable = table } };
    });

    /// <summary>A query. Commands go through <see cref="SparkSession.SqlAsync"/>.</summary>
    /// <param name="query">Spark SQL; <c>:name</c> stands for an argument.</param>
    /// <param name="arguments">Values by name: null, bool, sbyte, short, int, long, float, double, decimal, string, byte[], DateOnly, DateTimeOffset.</param>
    /// <exception cref="DefinitionException">An argument is of another type.</exception>
    public static SparkRelation Sql(string query, IReadOnlyDictionary<string, object?>? arguments = null)
    {
        var literals = Arguments(arguments);
        return new(_ =>
        {
            var sql = new Proto.SQL { Query = query };
#pragma warning disable CS0612 // Deprecated in 4.0 and accepted by every version; its successor is ignored by 3.5 without a word.
            sql.Args.Add(literals);
#pragma warning restore CS0612
            return new() { Sql = sql };
        });
    }

    /// <summary>Rows of ours, sent along with the plan: at most 96 MiB.</summary>
    /// <param name="batch">The rows; types as <see cref="SparkTypes"/> knows them. It is read at once and may be disposed of.</param>
    /// <exception cref="DefinitionException">A column's type has no counterpart in Spark, or the rows are too large.</exception>
    public static SparkRelation Local(RecordBatch batch)
    {
        var ddl = SparkTypes.ToDdl(batch.Schema);
        using var stream = new MemoryStream();
        using (var writer = new ArrowStreamWriter(stream, batch.Schema, leaveOpen: true))
        {
            writer.WriteRecordBatch(batch);
            GC.KeepAlive(batch);
            writer.WriteEnd();
        }
        if (stream.Length > LargestLocal)
            throw new DefinitionException($"A local relation of {batch.Length} rows ({ddl}) has {stream.Length} bytes, more than the {LargestLocal} that fit into a message: write it to a file that the executors see.");
        var data = ByteString.CopyFrom(stream.GetBuffer(), 0, (int)stream.Length);
        return new(_ => new() { LocalRelation = new() { Data = data } });
    }

    /// <summary>The column <c>id</c> (BIGINT) with the numbers from <paramref name="start"/> up to but without <paramref name="end"/>.</summary>
    /// <param name="start">First number.</param>
    /// <param name="end">Where it ends.</param>
    /// <param name="step">Difference, not 0.</param>
    /// <param name="partitions">Number of partitions; null: Spark's default parallelism.</param>
    public static SparkRelation Range(long start, long end, long step = 1, int? partitions = null) => new(_ =>
    {
        var range = new Proto.Range { Start = start, End = end, Step = step };
        if (partitions is { } n) range.NumPartitions = n;
        return new() { Range = range };
    });

    /// <summary>A name for use in Spark SQL whatever characters it has: in backticks.</summary>
    /// <param name="name">Column, table or alias; one part.</param>
    public static string Quote(string name) => $"`{name.Replace("`", "``", StringComparison.Ordinal)}`";

    /// <summary>The given expressions as columns.</summary>
    /// <param name="expressions">Spark SQL, e.g. <c>*</c> or <c>a * 2 AS b</c>.</param>
    public SparkRelation Select(params string[] expressions) => Project(expressions.Select(Text));

    /// <summary>The named columns, in this order.</summary>
    /// <param name="names">Names, unquoted.</param>
    public SparkRelation SelectColumns(params IEnumerable<string> names) => Project(names.Select(Column));

    /// <summary>The rows for which the condition is true.</summary>
    /// <param name="condition">Spark SQL.</param>
    public SparkRelation Where(string condition) => new(v => new() { Filter = new() { Input = build(v), Condition = Text(condition) } });

    /// <summary>Joins by a condition, in which columns of both sides are told apart by aliases (<see cref="As"/>).</summary>
    /// <param name="other">The right side.</param>
    /// <param name="condition">Spark SQL.</param>
    /// <param name="kind">Which rows are returned.</param>
    public SparkRelation Join(SparkRelation other, string condition, SparkJoinKind kind = SparkJoinKind.Inner) =>
        new(v => new() { Join = new() { Left = build(v), Right = other.build(v), JoinCondition = Text(condition), JoinType = (Proto.Join.Types.JoinType)kind } });

    /// <summary>Joins rows that are equal in the named columns, which come once and first.</summary>
    /// <param name="other">The right side.</param>
    /// <param name="columns">Names, unquoted.</param>
    /// <param name="kind">Which rows are returned.</param>
    public SparkRelation Join(SparkRelation other, IReadOnlyList<string> columns, SparkJoinKind kind = SparkJoinKind.Inner) =>
        new(v => new() { Join = new() { Left = build(v), Right = other.build(v), UsingColumns = { columns }, JoinType = (Proto.Join.Types.JoinType)kind } });

    /// <summary>The rows of both, duplicates kept.</summary>
    /// <param name="other">The other relation.</param>
    /// <param name="byName">Whether columns are matched by name; else by position.</param>
    public SparkRelation Union(SparkRelation other, bool byName = false) =>
        new(v => new() { SetOp = new() { LeftInput = build(v), RightInput = other.build(v), SetOpType = Proto.SetOperation.Types.SetOpType.Union, IsAll = true, ByName = byName } });

    /// <summary>Groups the rows; without keys all are one group.</summary>
    /// <param name="keys">Spark SQL.</param>
    public SparkGroups GroupBy(params string[] keys) => new(this, keys);

    /// <summary>Shuffles the rows evenly into partitions.</summary>
    /// <param name="partitions">How many; at least 1.</param>
    public SparkRelation Repartition(int partitions) => new(v => new() { Repartition = new() { Input = build(v), NumPartitions = partitions, Shuffle = true } });

    /// <summary>Shuffles the rows into partitions by the hash of expressions: equal values meet in one partition.</summary>
    /// <param name="partitions">How many; at least 1.</param>
    /// <param name="expressions">Spark SQL; at least one.</param>
    public SparkRelation Repartition(int partitions, params string[] expressions) =>
        new(v => new() { RepartitionByExpression = new() { Input = build(v), NumPartitions = partitions, PartitionExprs = { expressions.Select(Text) } } });

    /// <summary>Sorts all rows; the partitions then follow one another.</summary>
    /// <param name="order">The keys, the weightiest first.</param>
    public SparkRelation Sort(params SparkOrder[] order) => Sorted(order, isGlobal: true);

    /// <summary>Sorts the rows of each partition.</summary>
    /// <param name="order">The keys, the weightiest first.</param>
    public SparkRelation SortWithinPartitions(params SparkOrder[] order) => Sorted(order, isGlobal: false);

    /// <summary>So many rows at most.</summary>
    /// <param name="rows">At least 0.</param>
    public SparkRelation Limit(int rows) => new(v => new() { Limit = new() { Input = build(v), Limit_ = rows } });

    /// <summary>A name by which expressions above can call the relation's columns: <c>a.x</c>.</summary>
    /// <param name="alias">The name, unquoted.</param>
    public SparkRelation As(string alias) => new(v => new() { SubqueryAlias = new() { Input = build(v), Alias = alias } });

    /// <summary>What a function of ours returns for the rows of each partition. Its input columns are selected first.</summary>
    /// <param name="function">The function.</param>
    /// <exception cref="DefinitionException">It has no input columns, or one twice.</exception>
    public SparkRelation Map(SparkFunction function)
    {
        // Without any, Spark would prune its input to rows without columns.
        if (function.InputColumns.Count == 0) throw new DefinitionException($"The function '{function.Name}' has no input columns; expected at least one.");
        if (function.InputColumns.CountBy(c => c).FirstOrDefault(c => c.Value > 1).Key is { } twice)
            throw new DefinitionException($"The function '{function.Name}' has the input column '{twice}' twice; expected each once.");
        var input = SelectColumns(function.InputColumns);
        return new(v => new() { MapPartitions = new() { Input = input.build(v), Func = FunctionMessage(function, v) } });
    }

    internal Proto.Relation ToProto(SparkVersion version) => build(version);

    internal static Proto.Expression Text(string expression) => new() { ExpressionString = new() { Expression = expression } };

    internal static Dictionary<string, Proto.Expression.Types.Literal> Arguments(IReadOnlyDictionary<string, object?>? arguments) =>
        (arguments ?? new Dictionary<string, object?>()).ToDictionary(a => a.Key, a => Literals.Of($"The argument '{a.Key}' of a query", a.Value));

    static Proto.Expression Column(string name) => new() { UnresolvedAttribute = new() { UnparsedIdentifier = Quote(name) } };

    static Proto.CommonInlineUserDefinedFunction FunctionMessage(SparkFunction function, SparkVersion version)
    {
        const int MapInArrow = 207;
        if (!version.RunsFunctions)
            throw new SparkException($"Got Spark {version} for the function '{function.Name}', expected 3.5 to 4.3: how executors of other versions talk to a worker is not known. Use one of these versions.");
        return new()
        {
            FunctionName = function.Name,
            Deterministic = true,
            Arguments = { function.InputColumns.Select(Column) },
            PythonUdf = new()
            {
                EvalType = MapInArrow,
                Command = UnsafeByteOperations.UnsafeWrap(function.Command),
                OutputType = new() { Unparsed = new() { DataTypeString = function.OutputDdl } },
                // Spark passes this text on unread: it tells the worker which layout to expect.
                PythonVer = $"dotnet1/spark{version.Major}.{version.Minor}",
            },
        };
    }

    SparkRelation Project(IEnumerable<Proto.Expression> expressions)
    {
        Proto.Expression[] columns = [.. expressions];
        return new(v => new() { Project = new() { Input = build(v), Expressions = { columns } } });
    }

    SparkRelation Sorted(SparkOrder[] order, bool isGlobal) => new(v => new() { Sort = new() { Input = build(v), IsGlobal = isGlobal, Order = { order.Select(o => o.ToProto()) } } });
}
