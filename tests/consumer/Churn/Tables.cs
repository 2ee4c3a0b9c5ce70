namespace Churn;

/// <summary>A customer from the first order on. The channel is the one that they came by, for ever.</summary>
public sealed record Customer(long CustomerId, DateTimeOffset FirstOrderAt, DateTimeOffset KnownAt, string Channel);

/// <summary>A version of an order: as it was loaded first, corrected, or deleted.</summary>
public sealed record Order(long OrderId, long CustomerId, DateTimeOffset BoughtAt, DateTimeOffset LoadedAt, long Cds, double Amount, bool IsDeleted);

/// <summary>A customer's plan. <paramref name="Until"/> is written into the row when somebody gets to it, at <paramref name="ClosedAt"/>.</summary>
public sealed record PlanPeriod(long CustomerId, string Plan, DateTimeOffset Since, DateTimeOffset? Until, DateTimeOffset? ClosedAt, DateTimeOffset WrittenAt);
