using BatchMl.Expressions;
using BatchMl.LightGbm;
using BatchMl.Runs;
using BatchMl.Training;

namespace BatchMl.Jobs.FlightDelays;

/// <summary>
/// Will a flight out of New York arrive more than a quarter of an hour late? Asked one hour before its scheduled departure, from what is known then.
/// </summary>
public static class FlightDelays
{
    const string NewYork = "America/New_York";

    static readonly Source<FlightRow> Flights = Source.Bind<FlightRow>("flights");

    // Known when the aircraft leaves: a flight that is late is known late, a cancelled one never departs.
    static readonly Source<FlightRow> Departures = Flights
        .EventTime(f => f.TimeHour.AddMinutes(f.Minute))
        .AvailableAt(f => f.TimeHour.AddMinutes(f.Minute + f.DepDelay))
        .TieBreak(f => new { f.Carrier, f.Number, f.Tailnum, f.Dest });

    static readonly Source<WeatherRow> Weather = Source.Bind<WeatherRow>("weather")
        .EventTime(w => w.TimeHour)
        .AvailableAt(w => w.TimeHour.AddHours(1));

    static readonly Source<PlaneRow> Planes = Source.Bind<PlaneRow>("planes")
        .Lookup("an aircraft's build year, seats and engine do not change with time");

    static readonly FeatureView OriginWeather = FeatureView.Of(Weather, key: w => w.Origin)
        .Latest(w => w.Temp).Latest(w => w.Dewp).Latest(w => w.Humid).Latest(w => w.WindSpeed)
        .Latest(w => w.Precip).Latest(w => w.Pressure).Latest(w => w.Visib)
        .LatestNonNull(w => w.WindGust)
        .Ttl(hours: 6);

    static readonly FeatureView OriginDelays = FeatureView.Of(Departures, key: f => f.Origin)
        .Window("origin_departures_1h", w => w.Count(), hours: 1)
        .Window("origin_delay_mean_1h", w => w.Mean(f => f.DepDelay), hours: 1)
        .Window("origin_late_share_1h", w => w.Share(f => f.DepDelay > 15), hours: 1)
        .Window("origin_delay_max_1h", w => w.Max(f => f.DepDelay), hours: 1)
        .Window("origin_departures_3h", w => w.Count(), hours: 3)
        .Window("origin_delay_mean_3h", w => w.Mean(f => f.DepDelay), hours: 3)
        .Window("origin_late_share_3h", w => w.Share(f => f.DepDelay > 15), hours: 3)
        .Window("origin_delay_max_3h", w => w.Max(f => f.DepDelay), hours: 3)
        .Window("origin_departures_24h", w => w.Count(), hours: 24)
        .Window("origin_delay_mean_24h", w => w.Mean(f => f.DepDelay), hours: 24)
        .Window("origin_late_share_24h", w => w.Share(f => f.DepDelay > 15), hours: 24)
        .Window("origin_delay_max_24h", w => w.Max(f => f.DepDelay), hours: 24);

    static readonly FeatureView CarrierDelays = FeatureView.Of(Departures, key: f => f.Carrier)
        .Window("carrier_delay_mean_7d", w => w.Mean(f => f.DepDelay), days: 7)
        .Window("carrier_late_share_7d", w => w.Share(f => f.DepDelay > 15), days: 7);

    static readonly FeatureView RouteTraffic = FeatureView.Of(Departures, key: f => f.Dest)
        .Window("dest_departures_24h", w => w.Count(), hours: 24);

    static readonly FeatureView PlaneHistory = FeatureView.Of(Departures, key: f => f.Tailnum)
        .Latest(f => f.DepDelay, "previous_dep_delay")
        .Latest(f => f.TimeHour.AddMinutes(f.Minute), "previous_departure");

    static readonly FeatureView PlaneFacts = FeatureView.Of(Planes, key: p => p.Tailnum)
        .Latest(p => p.Year, "built").Latest(p => p.Seats).Latest(p => p.Engine);

    static readonly FeatureService Features = FeatureService
        .Of("flight-delays", version: 1, OriginWeather, OriginDelays, CarrierDelays, RouteTraffic, PlaneHistory, PlaneFacts)
        .FromSpine("distance", "carrier", "origin", "dest")
        .Derive("hours_since_previous", row => Sql.HoursBetween(row.Time("as_of"), row.Time("previous_departure")))
        .Derive("plane_age", row => (double)row.Date("flight_date")!.Value.Year - row.Number("built"))
        .Derive("local_hour", row => Sql.HourIn(row.Time("scheduled"), NewYork))
        .Derive("weekday", row => (int)row.Date("flight_date")!.Value.DayOfWeek)
        .Derive("month", row => row.Date("flight_date")!.Value.Month)
        .Hide("previous_departure", "built");

    static readonly Spine ScheduledFlights = Spine.From(Flights)
        .Key(f => new { f.Carrier, Flight = f.Number, f.Tailnum, f.Origin, f.Dest })
        .Select(f => new { Scheduled = f.TimeHour.AddMinutes(f.Minute), f.Distance })
        .AsOf(f => f.TimeHour.AddMinutes(f.Minute - 60))
        .PartitionBy("flight_date", f => Sql.DateIn(f.TimeHour.AddMinutes(f.Minute), NewYork));

    static readonly Label Late = Label.Of<FlightRow, bool?>("late",
        f => f.ArrDelay > 15,
        knownAt: f => f.TimeHour.AddMinutes(f.Minute + f.DepDelay).AddMinutes(f.AirTime + 30));

    /// <summary>The whole pipeline; its four jobs also run one by one.</summary>
    public static PipelineJob Pipeline() => (PipelineJob)Jobs()[0];

    /// <summary>The whole pipeline, and the part of it that makes a new model.</summary>
    public static IReadOnlyList<Job> Jobs()
    {
        var trainingSet = new TrainingSetJob(
            "flight-delays/training-set", "Flights of January to September 2013 with what was known an hour before departure", ScheduledFlights, Features, Late,
            new TimeSplit(new DateOnly(2013, 8, 1), new DateOnly(2013, 9, 1), new DateOnly(2013, 10, 1), NewYork) { Embargo = TimeSpan.FromHours(24) });
        var train = new TrainJob(
            "flight-delays/train", "LightGBM: will the arrival be more than 15 minutes late?", "flight-delays", trainingSet,
            new LightGbmTrainer(new LightGbmOptions { LearningRate = 0.1, Leaves = 63, MaxRounds = 400, EarlyStoppingRounds = 30, Metric = "auc" }));
        var score = new ScoreJob(
            "flight-delays/score", "Scores every flight from October 2013 on, day by day", ScheduledFlights, Features, "flight-delays",
            "carrier", "flight", "tailnum", "origin", "dest")
        {
            From = new DateOnly(2013, 10, 1),
        };
        var monitor = new MonitorJob(
            "flight-delays/monitor", "Drift of each scored day against the training rows, and how the scores turned out", score, Late);
        return
        [
            new PipelineJob("flight-delays", "From raw flights to scored days and a drift report", trainingSet, train, score, monitor),
            new PipelineJob("flight-delays/retrain", "A new model: its training set, then the training", trainingSet, train),
        ];
    }
}
