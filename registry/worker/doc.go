// Package worker makes a resource of a function that runs as long as the program does: one that receives messages,
// empties a queue, or does something every minute.
//
//	registry.Register(worker.New("orders", receiveOrders)) // in main, so after the backends that it uses
//
// As a resource it is opened after what it uses and closed before it: CloseAll tells the function to end and waits for
// what it has under way, while the clients that it works with are still open. Its end is seen: a function that
// returns before it is told to fails the check of its resource, and with it readiness.
//
// # Writing the function
//
// The function takes its handles inside, where the backends are open. It returns soon after its context is done:
// it begins nothing new, finishes what it has begun, and waits for goroutines of its own. What it has begun must not
// end with that context, or it is cut off halfway:
//
//	func receiveOrders(ctx context.Context) error {
//		db := mysql.DB()
//		for {
//			order, err := next(ctx)
//			if err != nil {
//				return err // context.Canceled at the end
//			}
//			if err := store(context.WithoutCancel(ctx), db, order); err != nil {
//				return err
//			}
//		}
//	}
//
// Nothing is started again: a function that is to survive a failure has a loop.
package worker
