using BatchMl.Hosting;
using BatchMl.Server;
using MyTeamNamespace.Jobs;

// Without a server, leave out WithServer() and the package BatchMl.Server.
return await BatchMlApplication.Create(() => NextPurchase.Jobs).WithServer().RunAsync(args);
