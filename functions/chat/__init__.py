"""The service `chat`: conversations with the AI coach over SignalR WebSockets."""
