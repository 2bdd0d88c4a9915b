"""ElevenLabs: the body that our tool definitions make it send, its post-call webhooks and their signature."""
