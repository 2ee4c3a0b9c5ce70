namespace BatchMl.Jobs.FlightDelays;

/// <summary>
/// A scheduled flight, as airline and airports report it. Delays and air time in minutes (negative: early), null where the flight was cancelled or, on arrival, diverted.
/// </summary>
public sealed record FlightRow(
    DateTimeOffset TimeHour, long Minute, double? DepDelay, double? ArrDelay, double? AirTime,
    string Carrier, [property: Column("flight")] long Number, string? Tailnum, string Origin, string Dest, double Distance);

/// <summary>An hour's weather at an airport.</summary>
public sealed record WeatherRow(
    string Origin, DateTimeOffset TimeHour, double? Temp, double? Dewp, double? Humid, double? WindSpeed, double? WindGust, double? Precip, double? Pressure, double? Visib);

/// <summary>An aircraft.</summary>
public sealed record PlaneRow(string Tailnum, long? Year, long? Seats, string? Engine);
