namespace BatchMl.Spark.Connect;

/// <summary>How much of a plan is shown. The numbers are the protocol's.</summary>
public enum SparkExplainMode
{
    /// <summary>The physical plan.</summary>
    Simple = 1,

    /// <summary>Parsed, analysed, optimised and physical plan.</summary>
    Extended = 2,

    /// <summary>The physical plan and the Java code generated for it.</summary>
    Codegen = 3,

    /// <summary>The optimised plan with statistics, and the physical plan.</summary>
    Cost = 4,

    /// <summary>The physical plan as an outline and the details of its nodes.</summary>
    Formatted = 5,
}
