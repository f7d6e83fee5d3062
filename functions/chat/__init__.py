"""The service `chat`: a talk with the coach, over WebSockets that speak SignalR."""
