namespace BatchMl.SparkJobs;

/// <summary>A customer in a shop, whose branch is one of those that report.</summary>
public sealed record Visit(long Id, string? Customer, string Shop, string? ShopBranch, DateTimeOffset? At, string Lane, double? Basket, long Tries, bool? Bought);

/// <summary>A version of a sale.</summary>
public sealed record Sale(long Number, long Seq, string? Customer, string? Shop, DateTimeOffset At, DateTimeOffset? Known, bool? Gone, double? Amount, long Items, string? Product, string? Note);

/// <summary>A page that was looked at, known after a lag of its own.</summary>
public sealed record Click(string Customer, DateTimeOffset At, double? LagMinutes, string? Page);

/// <summary>A customer's membership while it held.</summary>
public sealed record Member(string Customer, DateTimeOffset ValidFrom, DateTimeOffset? ValidTo, DateTimeOffset? ClosedKnown, string Tier, string? Branch);

/// <summary>What a branch reports.</summary>
public sealed record Report(string Branch, DateTimeOffset At, double? Load);

/// <summary>A shop, for ever.</summary>
public sealed record Shop([property: Column("shop")] string Name, double? Area);
