using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Scoring;
using static BatchMl.Core.Tests.Scoring.Rows;

namespace BatchMl.Core.Tests.Scoring;

public sealed class EncoderTests
{
    const float NaN = float.NaN;

    static float[] EncodeOne(IArrowArray training, IArrowArray rows, Encoding encoding, Dictionary<string, long>? unknown = null) =>
        Encoder.Fit([Batch(("x", training))], ["x"], "y", [encoding]).Encode(Batch(("x", rows)), unknown).Floats("x");

    [Fact]
    public void Numbers_are_floats_and_missing_is_NaN()
    {
        var batch = Batch(("d", Doubles(1.5, null, double.NaN)), ("i", Longs(3, null, -1)), ("b", Flags(true, false, null)));
        using var encoded = Encoder.Fit([batch], ["b", "d", "i"], "y", []).Encode(batch);
        Assert.Equal(["b", "d", "i"], encoded.Schema.FieldsList.Select(f => f.Name));
        Assert.Equal([1, 0, NaN], encoded.Floats("b"));
        Assert.Equal([1.5f, NaN, NaN], encoded.Floats("d"));
        Assert.Equal([3, NaN, -1], encoded.Floats("i"));
        Assert.All(encoded.Arrays, a => Assert.Equal(0, a.NullCount));
    }

    [Theory]
    [InlineData(Imputation.None, NaN)]
    [InlineData(Imputation.Zero, 0)]
    [InlineData(Imputation.Mean, 4)]
    [InlineData(Imputation.Median, 3)]
    public void A_missing_number_is_imputed_from_training_rows_only(Imputation imputation, float expected) =>
        Assert.Equal([100, expected], EncodeOne(Doubles(1, null, 2, 4, 9), Doubles(100, null), new NumericEncoding("x", imputation)));

    [Fact]
    public void Standardised_numbers_have_mean_0_and_population_deviation_1()
    {
        var x = Doubles(2, null, 4, 6);
        var encoded = EncodeOne(x, x, new NumericEncoding("x", Imputation.Mean, Standardize: true));
        var deviation = MathF.Sqrt(2);
        Assert.Equal([-2 / deviation, 0, 0, 2 / deviation], encoded, (a, b) => MathF.Abs(a - b) < 1e-6);
        Assert.Equal([0, 0], EncodeOne(Doubles(7, 7), Doubles(7, 7), new NumericEncoding("x", Standardize: true)));
    }

    [Fact]
    public void Categories_are_coded_by_frequency_then_by_UTF8_and_unknown_ones_are_counted()
    {
        var unknown = new Dictionary<string, long>();
        var training = Text("b", "é", "a", "b", null, "z", "z");
        Assert.Equal([0, 1, 2, NaN, NaN, NaN], EncodeOne(training, Text("b", "z", "a", "é", null, "new"), new CategoryEncoding("x", MaxCategories: 3), unknown));
        Assert.Equal(2, unknown["x"]);
    }

    [Fact]
    public void Integers_and_booleans_can_be_categories()
    {
        Assert.Equal([1, 0, NaN, NaN], EncodeOne(Longs(7, long.MinValue, long.MinValue), Longs(7, long.MinValue, 8, null), new CategoryEncoding("x")));
        Assert.Equal([0, 1], EncodeOne(Flags(true, true, false), Flags(true, false), new CategoryEncoding("x")));
    }

    [Fact]
    public void One_hot_gives_a_column_per_category_and_zeros_for_the_unknown()
    {
        var unknown = new Dictionary<string, long>();
        using var encoded = Encoder.Fit([Batch(("x", Text("a", "b", "a")))], ["x"], "y", [new OneHotEncoding("x")]).Encode(Batch(("x", Text("b", null, "c", "a"))), unknown);
        Assert.Equal(["x=a", "x=b"], encoded.Schema.FieldsList.Select(f => f.Name));
        Assert.Equal([0, 0, 0, 1], encoded.Floats("x=a"));
        Assert.Equal([1, 0, 0, 0], encoded.Floats("x=b"));
        Assert.Equal(1, unknown["x"]);
    }

    [Fact]
    public void Target_encoding_is_the_formula_of_scikit_learn_on_random_rows()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            var (n, folds, smoothing) = (random.Next(2, 200), random.Next(2, 7), random.Next(0, 2) * random.NextDouble() * 30);
            var x = Enumerable.Range(0, n).Select(_ => random.Next(8) is var c && c == 0 ? null : "c" + c).ToArray();
            var y = Enumerable.Range(0, n).Select(_ => random.NextDouble() * 3 - 1).ToArray();
            // A row may stand for several; the odd ones do.
            var w = Enumerable.Range(0, n).Select(_ => seed % 2 == 0 ? 1 : random.NextDouble() * 5 + 0.1).ToArray();
            var cut = random.Next(0, n);
            RecordBatch[] batches = [.. new[] { ..cut, cut.. }.Select(r => Batch(("x", Text(x[r])), ("y", Doubles([.. y[r]])), ("w", Doubles([.. w[r]]))))];
            var fitted = Encoder.Fit(batches, ["x"], "y", [new TargetEncoding("x", folds, smoothing)], seed % 2 == 0 ? null : "w");
            var encoder = Encoder.FromJson(fitted.ToJson());

            // The naive formula: everything recomputed for each row.
            float Naive(string? category, Func<int, bool> counts)
            {
                var rows = Enumerable.Range(0, n).Where(counts).ToArray();
                var overall = rows.Sum(i => w[i] * y[i]) / rows.Sum(i => w[i]);
                var own = rows.Where(i => x[i] == category).ToArray();
                return own.Length == 0 ? (float)overall : (float)((own.Sum(i => w[i] * y[i]) + smoothing * overall) / (own.Sum(i => w[i]) + smoothing));
            }
            var crossFitted = encoder.EncodeTrainingRows(batches).SelectMany(b => b.Floats("x")).ToArray();
            Assert.Equal([.. x.Select((c, i) => Naive(c, row => row % folds != i % folds))], crossFitted, (a, b) => MathF.Abs(a - b) <= 1e-5f);
            string?[] asked = [.. x, "never seen", null];
            var scored = encoder.Encode(Batch(("x", Text(asked)))).Floats("x");
            Assert.Equal([.. asked.Select(c => Naive(c, _ => true))], scored, (a, b) => MathF.Abs(a - b) <= 1e-5f);
        }
    }

    [Fact]
    public void Slices_encode_like_the_rows_they_show()
    {
        var random = new Random(7);
        var rows = Enumerable.Range(0, 100).ToArray();
        T?[] Maybe<T>(Func<int, T> value) where T : struct => [.. rows.Select(i => random.Next(4) == 0 ? (T?)null : value(i))];
        var batch = Batch(
            ("d", Doubles(Maybe<double>(i => i / 3.0))), ("b", Flags(Maybe(i => i % 3 == 0))), ("t", Text([.. rows.Select(i => i % 5 == 0 ? null : "t" + i % 7)])),
            ("o", Text([.. rows.Select(i => "o" + i % 3)])), ("g", Longs(Maybe<long>(i => i % 4))), ("y", Doubles([.. rows.Select(i => (double?)(i % 2))])));
        var encoder = Encoder.Fit([batch], ["d", "b", "t", "o", "g"], "y", [new OneHotEncoding("o"), new TargetEncoding("g"), new NumericEncoding("d", Imputation.Median, true)]);
        using var whole = encoder.Encode(batch);
        for (var start = 0; start < 90; start += 13)
        {
            using var part = encoder.Encode(batch.Slice(start, 10));
            foreach (var output in encoder.Outputs)
                Assert.Equal(whole.Floats(output.Name)[start..(start + 10)], part.Floats(output.Name));
            Assert.All(part.Arrays, a => Assert.Equal(0, a.Data.Offset));
        }
    }

    [Fact]
    public void Json_is_stable_byte_for_byte_and_reads_back_to_the_same_encoder()
    {
        var batch = Batch(("n", Doubles(0.1, 0.2, null)), ("c", Text("\"quoted\"", "ü", "a")), ("o", Text("p", "q", null)), ("t", Longs(1, 2, null)), ("y", Flags(true, false, true)));
        Encoder Fit() => Encoder.Fit([batch], ["n", "c", "o", "t"], "y", [new NumericEncoding("n", Imputation.Mean, true), new OneHotEncoding("o"), new TargetEncoding("t", 2, 0.1)]);
        var json = Fit().ToJson();
        Assert.Equal(json, Fit().ToJson());
        var back = Encoder.FromJson(json);
        Assert.Equal(json, back.ToJson());
        Assert.Equal(Fit().Outputs, back.Outputs);
        Assert.Equal(Fit().Inputs, back.Inputs);
        Assert.Equal(["c"], back.CategoricalOutputs);
        foreach (var output in back.Outputs)
            Assert.Equal(Fit().Encode(batch).Floats(output.Name), back.Encode(batch).Floats(output.Name));
    }

    [Fact]
    public void Columns_pass_through_in_the_types_of_a_model_made_elsewhere()
    {
        var encoder = Encoder.FromJson(Encoder.PassThrough([
            ("d", ColumnType.Double, new("in_f", ModelType.Float)), ("d", ColumnType.Double, new("in_d", ModelType.Double)), ("i", ColumnType.Int64, new("in_i", ModelType.Int64)),
            ("t", ColumnType.Timestamp, new("in_t", ModelType.Int64)), ("s", ColumnType.String, new("in_s", ModelType.String)),
        ]).ToJson());
        var batch = Batch(("d", Doubles(0.1, null)), ("i", Longs(5, 6)), ("t", Times(7, 8)), ("s", Text("a", null)));
        using var encoded = encoder.Encode(batch);
        Assert.Equal([0.1f, NaN], encoded.Floats("in_f"));
        Assert.Equal([0.1, double.NaN], ((DoubleArray)encoded.Column("in_d")).Values.ToArray());
        Assert.Equal([5, 6], ((Int64Array)encoded.Column("in_i")).Values.ToArray());
        Assert.Equal([7, 8], ((Int64Array)encoded.Column("in_t")).Values.ToArray());
        Assert.Equal(["a", ""], ((StringArray)encoded.Column("in_s")).ToArray<string>());
        var missing = Assert.Throws<DataException>(() => encoder.Encode(Batch(("d", Doubles(1)), ("i", Longs((long?)null)), ("t", Times(1)), ("s", Text("a")))));
        Assert.Contains("in_i", missing.Message);
        Assert.Throws<DefinitionException>(() => Encoder.PassThrough([("d", ColumnType.Double, new("x", ModelType.Int64))]));
    }

    [Fact]
    public void All_problems_of_a_fit_are_reported_at_once()
    {
        var batch = Batch(("t", Times(1)), ("s", Text("a")), ("y", Flags(true)));
        var e = Assert.Throws<DefinitionException>(() => Encoder.Fit([batch], ["t", "s", "gone", "y"], "y", [new NumericEncoding("s"), new OneHotEncoding("other"), new TargetEncoding("y", Folds: 1)]));
        Assert.Equal(6, e.Problems.Count);
        foreach (var word in new[] { "Feature t is a Timestamp", "NumericEncoding", "gone", "other", "label y is among", "Folds" }) Assert.Contains(word, e.Message);
    }

    [Fact]
    public void Data_that_teaches_nothing_is_refused()
    {
        Assert.Throws<DataException>(() => Encoder.Fit([Batch(("x", Doubles()))], ["x"], "y", []));
        Assert.Throws<DataException>(() => EncodeOne(Doubles(null, null), Doubles(1), new NumericEncoding("x", Imputation.Mean)));
        Assert.Throws<DataException>(() => EncodeOne(Doubles(1, double.PositiveInfinity), Doubles(1), new NumericEncoding("x", Imputation.Mean)));
        var e = Assert.Throws<DataException>(() => Encoder.Fit([Batch(("x", Text("a", "b")), ("y", Doubles(1, null)))], ["x"], "y", [new TargetEncoding("x")]));
        Assert.Contains("row 1", e.Message);
    }

    [Fact]
    public void A_missing_feature_and_another_type_are_named()
    {
        var encoder = Encoder.Fit([Batch(("x", Doubles(1)))], ["x"], "y", []);
        Assert.Contains("Feature x is missing", Assert.Throws<DataException>(() => encoder.Encode(Batch(("z", Doubles(1))))).Message);
        Assert.Contains("fitted on Double", Assert.Throws<DataException>(() => encoder.Encode(Batch(("x", Longs(1))))).Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{\"format\":2,\"encodings\":[]}")]
    [InlineData("{\"format\":1,\"encodings\":[{\"feature\":\"x\",\"type\":\"Double\",\"encoding\":\"magic\"}]}")]
    [InlineData("{\"format\":1,\"encodings\":[{\"feature\":\"x\",\"type\":\"Double\",\"encoding\":\"numeric\"}]}")]
    public void What_is_not_an_encoder_is_a_data_error(string json) =>
        Assert.Throws<DataException>(() => Encoder.FromJson(System.Text.Encoding.UTF8.GetBytes(json)));
}
